/** The style of captions. The page's `--captions-*` properties apply until the reader chooses otherwise. */
export const captionStyle = `
:host { display: block; }
:host([hidden]) { display: none; }
:host(:not([mode="beside"])) { position: absolute; inset: 0; pointer-events: none; container-type: size; }
:host([mode="window"]) { position: fixed; pointer-events: auto; }
:host([mode="beside"]) { block-size: 100%; min-block-size: 0; container-type: inline-size; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
.root {
  --_size: calc(var(--captions-size, 24px) * var(--_scale, 1));
  --_lines-each: var(--_user-lines, var(--captions-lines, 3));
  --_lines: var(--_lines-each);
  --_line: calc(var(--_size) * 1.375);
  --_inset: calc(var(--_size) * 0.5);
  --_length: var(--_user-line-length, var(--captions-line-length, 40));
  --_width: min(100%, calc(var(--_length) * var(--_character, 0.52em) + 2 * var(--_inset)));
  --_name: var(--_user-name, var(--captions-name-color, #ffe08a));
  --_box: var(--_user-background, var(--captions-background, rgb(0 0 0 / 0.8)));
  --_above: 100cqh;
  position: absolute;
  inset: 0;
  font-family: var(--_user-font, var(--captions-font, system-ui, sans-serif));
  font-size: var(--_size);
  line-height: var(--_line);
  color: var(--_user-color, var(--captions-color, #fff));
}
.root[data-mode="beside"] { position: relative; inset: auto; block-size: 100%; }
.root[data-mode="window"] { background: var(--_user-window, #000); }
.frame {
  position: absolute;
  display: flex;
  flex-direction: column;
  inline-size: var(--_width);
  left: calc((100% - var(--_width)) / 2);
  bottom: 0;
  pointer-events: auto;
}
.root[data-position="top"] .frame { flex-direction: column-reverse; top: 0; bottom: auto; }
.root[data-position="side"] { --_width: min(max(45%, 18rem), 100%, calc(var(--_length) * var(--_character, 0.52em) + 2 * var(--_inset))); }
.root[data-position="side"] .frame { left: auto; inset-inline-end: 0; }
.root[data-position="free"] { --_up: min(calc((1000 - var(--_y)) / 1000 * 100cqh), calc(100cqh - 4 * var(--_line))); --_above: calc(100cqh - max(0px, var(--_up))); }
.root[data-position="free"] .frame {
  left: clamp(0px, calc(var(--_x) / 1000 * 100% - var(--_width) / 2), calc(100% - var(--_width)));
  bottom: max(0px, var(--_up));
}
.root[data-mode="beside"] .frame, .root[data-mode="window"] .frame { top: 0; justify-content: flex-end; }
.view {
  position: relative;
  display: flex;
  flex-direction: column;
  justify-content: flex-end;
  flex: 0 1 auto;
  /* Whole lines only, so that none is cut; the name takes one. */
  --_most: max(2 * var(--_line), round(down, min(var(--captions-max-height, 100cqh), var(--_above) - 2.5rem - var(--_noted, 0px)), var(--_line)));
  min-block-size: min((var(--_lines-each) + 1) * var(--_line), var(--_most));
  max-block-size: var(--_most);
  --_available: var(--_most);
  --_names: var(--captions-names, 1);
  overflow: hidden;
  border-radius: 0.5rem;
  background: var(--_user-window, var(--captions-window, transparent));
}
.slot { display: contents; }
/* Whole lines only, here too. */
.root:is([data-mode="beside"], [data-mode="window"]) .slot { flex: 1 1 0; min-block-size: calc(2 * var(--_line)); display: grid; grid-template-rows: repeat(auto-fill, var(--_line)); align-content: end; container-type: size; }
.root:is([data-mode="beside"], [data-mode="window"]) .slot:has(> .view[hidden]) { display: none; }
.root:is([data-mode="beside"], [data-mode="window"]) .view { grid-row: 1 / -1; min-block-size: 0; max-block-size: 100%; --_available: 100cqb; }
.view[data-crowd="one"] { --_names: 0; }
.view[data-crowd="some"] { --_lines: min(2, var(--_lines-each)); }
.view[data-crowd="many"] { --_lines: 1; }
.past { block-size: 0; display: flex; flex-direction: column; justify-content: flex-end; }
.past > * { flex: none; }
.live { flex: none; }
.row {
  padding-inline: var(--_inset);
  background: var(--_box);
}
.name {
  block-size: var(--_line);
  /* Closer to the speaker's own words than to those above. */
  padding-block-start: 0.3em;
  font-size: 0.75em;
  font-weight: 600;
  color: var(--_name);
  text-shadow: var(--_edge, none);
  white-space: nowrap;
  overflow: hidden;
  text-overflow: ellipsis;
}
.text {
  display: flex;
  flex-direction: column;
  justify-content: flex-end;
  /* Speakers share a low box equally, so that nobody is pushed out of sight. */
  --_share: calc(round(down, (var(--_available) + 1px) / var(--_speaking), var(--_line)) - var(--_names) * var(--_line));
  max-block-size: max(var(--_line), min(var(--_lines) * var(--_line), var(--_share)));
  overflow: hidden;
}
.paragraph {
  position: relative;
  flex: none;
  margin: 0;
  unicode-bidi: plaintext;
  text-align: var(--_user-align, var(--captions-align, start));
  text-shadow: var(--_edge, none);
  text-wrap: wrap;
  text-wrap-style: stable;
  hyphens: none;
  overflow-wrap: break-word;
}
.hanging { display: inline-block; inline-size: 0; white-space: nowrap; }
.tail { color: var(--_user-tail, var(--captions-tail-color, #d2d2d2)); }
.mark {
  position: absolute;
  inset-inline: calc(-1 * var(--_inset));
  block-size: 0;
  border-block-start: 2px solid var(--_name);
  margin-block-start: -1px;
  pointer-events: none;
}
.gap { display: flex; align-items: center; gap: 0.5em; block-size: var(--_line); padding-inline: var(--_inset); background: var(--_box); }
.gap::before, .gap::after { content: ""; flex: 1 1 0.5em; border-block-start: 2px dotted currentColor; opacity: 0.6; }
/* Two of its lines fit into one line of captions. */
.gap-text { max-block-size: 100%; font-size: min(0.6em, 1.25rem); line-height: min(var(--_line) / 2, 1.3em); text-align: center; text-wrap: balance; overflow: hidden; }

/* On hold, the same lines stay in place, with more above them. No scrollbar: it takes width, which moves words. */
.root[data-held] .view { overflow-y: auto; overscroll-behavior: contain; justify-content: flex-start; scrollbar-width: none; }
.root[data-held]:not([data-mode="beside"], [data-mode="window"]) .view { max-block-size: min(var(--_most), 12 * var(--_line)); }
.root[data-held] .past { block-size: auto; flex: none; }
.root[data-held] .text { max-block-size: none; }
.root[data-held] .view:focus-visible { outline: 3px solid var(--_name); outline-offset: -3px; }

.status, .quiet { margin: 0; text-align: center; font-size: min(0.75em, 1.5rem); line-height: 1.5; flex: none; }
.status > span, .quiet:not(:empty) {
  inline-size: fit-content;
  max-inline-size: 100%;
  margin-inline: auto;
  padding: 0.25em 0.75em;
  border-radius: 0.4em;
  background: var(--_box);
}
.status > span { display: inline-block; }
.status > span:empty { display: none; }
.status.unseen { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }
/* Captions have priority over notes. */
.notes { margin: 0; padding: 0; list-style: none; flex: 0 1 auto; min-block-size: 0; max-block-size: 40cqh; overflow: hidden; font-size: min(0.7em, 1.25rem); line-height: 1.4; }
.note { inline-size: fit-content; max-inline-size: 100%; margin-block-end: 0.25em; padding: 0.125em 0.75em; border-radius: 0.4em; background: var(--_box); overflow-wrap: anywhere; }
.note-name { font-weight: 600; color: var(--_name); }
.log { position: absolute; inset-inline: 0; inset-block-start: 0; pointer-events: auto; font-size: 1rem; line-height: 1.5; }
.log:not(:focus) { inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }
.log:focus { max-block-size: 100%; padding: 0.5rem 1rem; overflow: auto; background: #000; color: #fff; }
.log-line { margin: 0; }
/* Without a box, only the edge of the letters sets them off. */
.gap, .status, .quiet, .notes { text-shadow: var(--_edge, none); }
.measure { position: absolute; inline-size: 0; block-size: 0; overflow: hidden; visibility: hidden; }
.ruler { display: inline-block; white-space: nowrap; }
.away { display: flex; flex-wrap: wrap; align-items: center; justify-content: center; gap: 0.75rem; position: absolute; inset-inline: 0; bottom: 0; padding: 0.5rem; pointer-events: auto; font: 1rem/1.5 system-ui, sans-serif; color: #fff; }
.away-text { margin: 0; padding: 0.25rem 0.75rem; border-radius: 0.5rem; background: rgb(0 0 0 / 0.8); }
.away .button { border: 1px solid rgb(255 255 255 / 0.6); background: #171d28; color: #fff; }
.away .button:hover { border-color: #fff; }

@media (forced-colors: active) {
  .row, .gap, .note, .status > span, .quiet:not(:empty), .view { background: Canvas; color: CanvasText; forced-color-adjust: none; }
  .name, .note-name { color: CanvasText; }
  .view { outline: 1px solid CanvasText; }
  .mark { border-color: Highlight; }
  .tail { color: CanvasText; text-decoration: underline dotted; }
  .paragraph, .name, .gap, .status, .quiet, .notes { text-shadow: none; }
}
`;
