/** Buttons and panels: their own sizes and colours, whatever the captions look like. */
export const panelStyle = `
.root {
  --ui: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  --ground: #171d28; --raised: #222a38; --edge: #6f7c93; --hair: #323c4e; --ink: #eef2f8; --quiet: #b3bdcc;
  --accent: #8ab4ff; --on-accent: #0b1730; --good: #7be0b8; --poor: #ffca6b; --hit: #ffe08a; --on-hit: #1b1500;
}
.root[data-theme="light"] {
  --ground: #ffffff; --raised: #eef1f6; --edge: #66728a; --hair: #d3d9e4; --ink: #141a24; --quiet: #465165;
  --accent: #1a56c4; --on-accent: #ffffff; --good: #00694b; --poor: #8a4b00; --hit: #ffd84d; --on-hit: #1b1500;
}
@media (prefers-color-scheme: light) {
  .root[data-theme="auto"] {
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
.root[data-mode="beside"] .bar, .root[data-mode="window"] .bar { position: static; align-self: stretch; border-radius: 0; order: -1; margin-block-end: auto; background: transparent; }
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
  box-shadow: 0 0 2.5rem rgb(0 0 0 / 0.35);
}
.panel:popover-open { display: flex; flex-direction: column; }
.panel:focus { outline: none; }
.panel:focus-visible, .panel :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.panel:focus-visible { outline-offset: -3px; }
.panel-head { position: sticky; inset-block-start: 0; z-index: 1; display: flex; align-items: center; justify-content: space-between; gap: 0.5rem; flex: none; padding: 0.75rem 0.75rem 0.75rem 1.25rem; border-block-end: 1px solid var(--hair); background: var(--ground); }
.panel-title { margin: 0; font-size: 1.0625rem; font-weight: 600; line-height: 1.3; }
.panel-body { flex: 1 1 auto; min-block-size: 0; padding: 1rem 1.25rem 1.5rem; }
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
