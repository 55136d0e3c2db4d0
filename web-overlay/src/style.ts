/** The element's own style. Sizes follow the custom properties in the README, and nothing else. */
export const styleText = `
:host {
  --_size: var(--captions-size, 24px);
  --_lines: var(--captions-lines, 3);
  --_line: calc(var(--_size) * 1.375);
  --_inset: calc(var(--_size) * 0.5);
  display: block;
  font-family: var(--captions-font, system-ui, sans-serif);
  font-size: var(--_size);
  line-height: var(--_line);
  color: var(--captions-color, #fff);
}
:host([hidden]) { display: none; }
.frame {
  box-sizing: border-box;
  inline-size: min(100%, calc(var(--captions-line-length, 40) * var(--_character, 0.52em) + 2 * var(--_inset)));
  margin-inline: auto;
}
.view {
  position: relative;
  display: flex;
  flex-direction: column;
  justify-content: flex-end;
  min-block-size: calc((var(--_lines) + 1) * var(--_line));
  max-block-size: var(--captions-max-height, 70vh);
  /* Whole lines only: the name has one of its own, so that nothing is cut through. */
  max-block-size: round(down, var(--captions-max-height, 70vh), var(--_line));
  overflow: hidden;
  border-radius: 0.25em;
}
.view[hidden] { display: none; }
.view[data-crowd="some"] { --_lines: min(2, var(--captions-lines, 3)); }
.view[data-crowd="many"] { --_lines: 1; }
.past { block-size: 0; display: flex; flex-direction: column; justify-content: flex-end; }
.past > .row { flex: none; }
.live { flex: none; }
.row {
  box-sizing: border-box;
  padding-inline: var(--_inset);
  background: var(--captions-background, rgb(0 0 0 / 0.8));
}
.name {
  block-size: var(--_line);
  font-size: 0.75em;
  font-weight: 600;
  color: var(--captions-name-color, #ffe08a);
  white-space: nowrap;
  overflow: hidden;
  text-overflow: ellipsis;
}
.text {
  display: flex;
  flex-direction: column;
  justify-content: flex-end;
  max-block-size: calc(var(--_lines) * var(--_line));
  overflow: hidden;
}
.paragraph {
  flex: none;
  margin: 0;
  unicode-bidi: plaintext;
  text-align: var(--captions-align, start);
  text-wrap: wrap;
  text-wrap-style: stable;
  hyphens: none;
  overflow-wrap: break-word;
}
.hanging { display: inline-block; inline-size: 0; white-space: nowrap; }
.tail { color: var(--captions-tail-color, #d2d2d2); }
.status { margin: 0; text-align: center; font-size: 0.75em; line-height: 1.5; }
.status > span {
  display: inline-block;
  padding: 0.25em 0.75em;
  border-radius: 0.4em;
  background: var(--captions-background, rgb(0 0 0 / 0.8));
}
.status > span:empty { display: none; }
.status.unseen { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }
.measure { position: absolute; inline-size: 0; block-size: 0; overflow: hidden; visibility: hidden; }
.ruler { display: inline-block; white-space: nowrap; }
@media (forced-colors: active) {
  .row, .status > span { background: Canvas; color: CanvasText; forced-color-adjust: none; }
  .name { color: CanvasText; }
  .hanging { display: inline-block; inline-size: 0; white-space: nowrap; }
.tail { color: CanvasText; text-decoration: underline dotted; }
}
`;
