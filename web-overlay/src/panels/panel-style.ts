/** Buttons and panels. Their sizes and colours do not depend on those of the captions. */
export const panelStyle = `
.root {
  --ui: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  --ground: #171d28; --raised: #222a38; --edge: #6f7c93; --hair: #323c4e; --ink: #eef2f8; --quiet: #b3bdcc;
  color-scheme: dark;
  --accent: #8ab4ff; --on-accent: #0b1730; --good: #7be0b8; --poor: #ffca6b; --hit: #ffe08a; --on-hit: #1b1500;
}
.root[data-theme="light"] {
  color-scheme: light;
  --ground: #ffffff; --raised: #eef1f6; --edge: #66728a; --hair: #d3d9e4; --ink: #141a24; --quiet: #465165;
  --accent: #1a56c4; --on-accent: #ffffff; --good: #00694b; --poor: #8a4b00; --hit: #ffd84d; --on-hit: #1b1500;
}
@media (prefers-color-scheme: light) {
  .root[data-theme="auto"] {
    color-scheme: light;
    --ground: #ffffff; --raised: #eef1f6; --edge: #66728a; --hair: #d3d9e4; --ink: #141a24; --quiet: #465165;
    --accent: #1a56c4; --on-accent: #ffffff; --good: #00694b; --poor: #8a4b00; --hit: #ffd84d; --on-hit: #1b1500;
  }
}
.icon { inline-size: 1.25rem; block-size: 1.25rem; flex: none; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.bar {
  position: absolute;
  inset-inline-end: 0;
  bottom: 100%;
  display: flex;
  flex-wrap: wrap;
  justify-content: flex-end;
  gap: 0.125rem;
  padding: 0.1875rem;
  border-radius: 0.625rem 0.625rem 0 0;
  background: rgb(10 13 20 / 0.92);
  font: 500 0.875rem/1.25 var(--ui);
  opacity: 0;
  pointer-events: none;
  transition: opacity 140ms;
}
.root[data-position="top"] .bar { bottom: auto; top: 100%; border-radius: 0 0 0.625rem 0.625rem; }
.root:is([data-mode="beside"], [data-mode="window"]) .bar { position: relative; z-index: 1; inset: auto; align-self: flex-end; border-radius: 0.625rem; order: -1; margin-block-end: auto; }
/* Reserves the place of the hidden buttons. */
.root:is([data-mode="beside"], [data-mode="window"]):not([data-held]) .notes:not(:empty) { margin-block-start: -2.375rem; }
.frame:hover .bar, .frame:focus-within .bar, .root[data-held] .bar, .root[data-touched] .bar { opacity: 1; pointer-events: auto; }
.root[data-controls="none"] .bar { display: none; }
.tool {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  gap: 0.375rem;
  min-inline-size: 2rem;
  min-block-size: 2rem;
  padding: 0.25rem 0.375rem;
  border: 0;
  border-radius: 0.5rem;
  background: transparent;
  color: #fff;
  font: inherit;
  cursor: pointer;
}
.tool:hover { background: rgb(255 255 255 / 0.16); }
.tool.primary { background: #8ab4ff; color: #0b1730; }
.grip { cursor: grab; touch-action: none; }
.grip:active { cursor: grabbing; }
.bar :focus-visible, .away :focus-visible { outline: 3px solid #8ab4ff; outline-offset: 1px; }
.tool.primary:focus-visible { outline-color: #fff; }

.panel {
  position: fixed;
  inset: 0 0 0 auto;
  inline-size: min(24rem, 100vw);
  block-size: 100dvh;
  max-block-size: 100dvh;
  margin: 0;
  padding: 0;
  border: 0;
  border-inline-start: 1px solid var(--hair);
  background: var(--ground);
  color: var(--ink);
  font: 1rem/1.5 var(--ui);
  pointer-events: auto;
  overflow: auto;
  overscroll-behavior: contain;
  /* The title is sticky: the focused control must scroll into view below it. */
  scroll-padding-block: 4.5rem 3.5rem;
  scrollbar-width: thin;
  scrollbar-color: var(--edge) transparent;
  box-shadow: 0 0 2.5rem rgb(0 0 0 / 0.35);
}
.panel:popover-open { display: flex; flex-direction: column; }
.panel:focus { outline: none; }
.panel :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.panel-head { position: sticky; inset-block-start: 0; z-index: 1; display: flex; align-items: center; justify-content: space-between; gap: 0.5rem; flex: none; padding: 0.75rem 0.75rem 0.75rem 1.25rem; border-block-end: 1px solid var(--hair); background: var(--ground); }
.panel-title { margin: 0; font-size: 1.0625rem; font-weight: 600; line-height: 1.3; }
.panel-body { flex: none; padding: 1rem 1.25rem 1.5rem; }
.panel .tool { color: var(--ink); min-inline-size: 2.25rem; min-block-size: 2.25rem; }
.panel .tool:hover { background: var(--raised); }
.button {
  display: inline-flex; align-items: center; justify-content: center; gap: 0.375rem;
  min-block-size: 2.25rem; padding: 0.25rem 0.875rem; border: 1px solid var(--edge); border-radius: 0.625rem;
  background: var(--raised); color: var(--ink); font: inherit; font-size: 0.9375rem; cursor: pointer;
}
.button:hover { border-color: var(--ink); }
.button:disabled { opacity: 0.5; cursor: default; }
.hint { margin: 0; color: var(--quiet); font-size: 0.875rem; }
.keys { inset: 0; margin: auto; block-size: fit-content; max-block-size: min(100dvh, 40rem); inline-size: min(26rem, 100vw); border: 1px solid var(--hair); border-radius: 1rem; }
.key-list { display: grid; grid-template-columns: auto 1fr; gap: 0.5rem 1rem; margin: 0; align-items: center; }
.key-label { margin: 0; }
.cap { display: inline-block; min-inline-size: 2rem; padding: 0.125rem 0.5rem; border: 1px solid var(--edge); border-block-end-width: 2px; border-radius: 0.375rem; background: var(--raised); font: 600 0.9375rem/1.4 var(--ui); text-align: center; }
@media (max-width: 40rem) {
  .panel:not(.keys) { inset: auto 0 0 0; inline-size: 100vw; block-size: 62dvh; border-inline-start: 0; border-block-start: 1px solid var(--hair); }
  .history:popover-open { block-size: 100dvh; }
}
@media (prefers-reduced-motion: reduce) { .bar { transition: none; } }
@media (forced-colors: active) {
  .bar, .panel, .away-text { border: 1px solid CanvasText; background: Canvas; }
  .tool, .away-text { color: CanvasText; }
  .tool.primary { background: Highlight; color: HighlightText; forced-color-adjust: none; }
}
`;

/** The settings panel. */
export const settingsStyle = `
.preview-field { position: sticky; inset-block-start: 3.8rem; z-index: 1; margin: -1rem -1.25rem 0; padding: 0.75rem 1.25rem 0.5rem; background: var(--ground); border-block-end: 1px solid var(--hair); }
.preview { display: flex; align-items: flex-end; justify-content: center; block-size: 8.5rem; padding: 0.5rem; overflow: hidden; border-radius: 0.75rem; background: conic-gradient(from 200deg at 70% 30%, #6d8ba8, #d9c7a8, #54705a, #2c3b52, #6d8ba8); }
.preview-window { flex: none; inline-size: min(100%, var(--_width)); max-block-size: 7.5rem; overflow: hidden; border-radius: 0.25rem; background: var(--_user-window, var(--captions-window, transparent)); font-family: var(--_user-font, var(--captions-font, system-ui, sans-serif)); font-size: min(var(--_size), 2.75rem); line-height: 1.375; color: var(--_user-color, var(--captions-color, #fff)); --_line: 1.375em; --_inset: 0.5em; }
.preview-window .name { block-size: auto; padding: 0; line-height: 1.375; }
.preview-window .text { max-block-size: none; }
.ratio { display: flex; margin: 0.375rem 0 0; font-size: 0.875rem; color: var(--quiet); }
.ratio[data-poor] { color: var(--poor); font-weight: 600; }
.settings-group { margin-block-start: 1.5rem; }
.settings-heading { margin: 0 0 0.5rem; font-size: 0.8125rem; font-weight: 600; letter-spacing: 0.02em; color: var(--quiet); }
.presets, .actions { display: flex; flex-wrap: wrap; gap: 0.5rem; }
.actions { margin-block-start: 1.75rem; }
.notice { margin: 0.75rem 0 0; font-size: 0.875rem; color: var(--poor); }
.notice:empty { display: none; }
.field { min-inline-size: 0; margin: 0 0 0.875rem; padding: 0; border: 0; }
.field-head { display: flex; align-items: baseline; justify-content: space-between; gap: 0.75rem; }
.label { display: block; padding: 0; margin-block-end: 0.25rem; font-size: 0.9375rem; }
.value { font-size: 0.875rem; font-variant-numeric: tabular-nums; color: var(--quiet); }
/* An unknown pseudo-element makes a whole rule invalid, so each engine needs its own. */
.slider {
  --_track: linear-gradient(var(--accent) 0 0) 0 / var(--_part, 50%) 100% no-repeat var(--edge);
  display: block; inline-size: 100%; block-size: 1.75rem; margin: 0; border-radius: 0.625rem; appearance: none; background: transparent; cursor: pointer;
}
.slider::-webkit-slider-runnable-track { block-size: 0.375rem; border-radius: 1rem; background: var(--_track); }
.slider::-moz-range-track { block-size: 0.375rem; border-radius: 1rem; background: var(--_track); }
.slider::-webkit-slider-thumb { appearance: none; inline-size: 1.375rem; block-size: 1.375rem; margin-block-start: -0.5rem; border: 3px solid var(--ground); border-radius: 50%; background: var(--accent); }
.slider::-moz-range-thumb { box-sizing: border-box; inline-size: 1.375rem; block-size: 1.375rem; border: 3px solid var(--ground); border-radius: 50%; background: var(--accent); }
.menu, .input { inline-size: 100%; min-block-size: 2.5rem; padding: 0.375rem 0.625rem; border: 1px solid var(--edge); border-radius: 0.625rem; background: var(--raised); color: var(--ink); font: inherit; font-size: 0.9375rem; }
.tick-field { display: flex; align-items: flex-start; gap: 0.625rem; min-block-size: 1.75rem; font-size: 0.9375rem; cursor: pointer; }
.menu {
  appearance: none; padding-inline-end: 2rem; cursor: pointer;
  background: linear-gradient(45deg, #0000 50%, currentColor 50%) calc(100% - 1.125rem) 55% / 0.3125rem 0.3125rem no-repeat, linear-gradient(-45deg, #0000 50%, currentColor 50%) calc(100% - 0.8125rem) 55% / 0.3125rem 0.3125rem no-repeat, var(--raised);
}
.option { background: var(--raised); color: var(--ink); }
.input::placeholder { color: var(--quiet); opacity: 1; }
.input::-webkit-search-cancel-button { appearance: none; inline-size: 0.75rem; block-size: 0.75rem; background: linear-gradient(45deg, #0000 44%, currentColor 44% 56%, #0000 56%), linear-gradient(-45deg, #0000 44%, currentColor 44% 56%, #0000 56%); cursor: pointer; }
.tick { flex: none; display: grid; place-items: center; inline-size: 1.375rem; block-size: 1.375rem; margin: 0.0625rem 0 0; border: 2px solid var(--edge); border-radius: 0.375rem; appearance: none; background: var(--raised); cursor: pointer; }
.tick:checked { border-color: var(--accent); background: var(--accent); }
.tick:checked::before { content: ""; inline-size: 0.3125rem; block-size: 0.625rem; margin-block-end: 0.125rem; border: solid var(--on-accent); border-width: 0 2px 2px 0; rotate: 45deg; }
.segments { display: flex; flex-wrap: wrap; gap: 0.375rem; }
.segment { position: relative; display: inline-flex; align-items: center; min-block-size: 2.25rem; padding: 0.25rem 0.75rem; border: 1px solid var(--edge); border-radius: 0.625rem; background: var(--raised); font-size: 0.9375rem; cursor: pointer; }
.segment:has(:checked) { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
.segment:has(:focus-visible), .swatch:has(:focus-visible) { outline: 3px solid var(--accent); outline-offset: 2px; }
.radio { position: absolute; inset: 0; margin: 0; opacity: 0; cursor: pointer; }
.swatches { display: flex; flex-wrap: wrap; gap: 0.375rem; }
.swatch { position: relative; display: grid; place-items: center; inline-size: 2.25rem; block-size: 2.25rem; border: 2px solid transparent; border-radius: 50%; cursor: pointer; }
.swatch:has(:checked) { border-color: var(--accent); }
.patch { inline-size: 1.625rem; block-size: 1.625rem; border: 1px solid var(--edge); border-radius: 50%; pointer-events: none; }
.unseen { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (forced-colors: active) {
  .patch { forced-color-adjust: none; }
  .slider, .tick, .menu { appearance: auto; }
  .tick::before { display: none; }
  .segment:has(:checked) { background: Highlight; color: HighlightText; forced-color-adjust: none; }
  .swatch:has(:checked) { border-color: Highlight; }
}
@media (max-height: 30rem) { .panel.settings { block-size: 100dvh; } .preview-field { position: static; } }
`;

/** The history panel. */
export const historyStyle = `
.history { inline-size: min(30rem, 100vw); overflow: hidden; }
.history .panel-body { position: relative; flex: 1 1 0; display: flex; flex-direction: column; min-block-size: 0; padding: 0; }
.history-tools { flex: none; display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.5rem; padding: 0.75rem 1.25rem; border-block-end: 1px solid var(--hair); }
.tools { display: flex; flex-wrap: wrap; align-items: center; gap: 0.375rem; }
.tools .input { flex: 1 1 8rem; inline-size: auto; min-inline-size: 0; }
.time-tools { flex: 1 1 12rem; }
.tools .menu { flex: 1 1 10rem; inline-size: auto; min-inline-size: 0; }
.hits { font-size: 0.875rem; color: var(--quiet); }
.hits:empty { display: none; }
.downloads { display: flex; flex-wrap: wrap; align-items: center; gap: 0.375rem; margin-inline-start: auto; font-size: 0.9375rem; }
.history-tools .notice { margin: 0; }
.history-tools .button, .history-tools .input, .history-tools .menu { min-block-size: 2.25rem; }
.tool:disabled { opacity: 0.4; cursor: default; }
.empty { padding: 1.25rem; }
.history-scroll { flex: 1 1 0; min-block-size: 0; overflow-y: auto; overscroll-behavior: contain; padding-block: 0.5rem; }
.panel .history-scroll:focus-visible { outline-offset: -3px; }
.history-list { margin: 0; padding: 0; list-style: none; }
.entry { padding: 0 1.25rem 0.25rem; border-inline-start: 3px solid transparent; }
.entry[data-current] { border-inline-start-color: var(--accent); background: var(--raised); }
.entry-head { display: flex; align-items: baseline; gap: 0.5rem; padding-block-start: 0.5rem; }
.entry-name { font-weight: 600; min-inline-size: 0; overflow-wrap: anywhere; }
.entry-time { flex: none; font-size: 0.8125rem; font-variant-numeric: tabular-nums; color: var(--quiet); }
.entry-text { margin: 0; overflow-wrap: break-word; }
.entry-gap { margin: 0.5rem 0; padding: 0.375rem 0.75rem; border: 1px dashed var(--edge); border-radius: 0.5rem; font-size: 0.875rem; color: var(--quiet); }
.hit { border-radius: 0.2em; background: var(--hit); color: var(--on-hit); }
.entry[data-current] .hit { outline: 2px solid var(--accent); }
.latest { position: absolute; inset-block-end: 1rem; inset-inline-end: 1.25rem; box-shadow: 0 0.25rem 1rem rgb(0 0 0 / 0.3); }
.history[data-follows] .latest { display: none; }
@media (max-height: 34rem) {
  .history { overflow: auto; }
  .history .panel-body { flex: none; }
  .history-scroll { flex: none; block-size: max(14rem, 80dvh); }
}
`;
