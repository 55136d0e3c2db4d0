"""Finds accessibility problems of a page, by axe-core and by contrast.

Functions in JavaScript, for ``Page.evaluate`` of either of Playwright's interfaces. Contrast is
that of everything visible as the browser computed it (WCAG 2.2, 1.4.3 and 1.4.11).
"""

from __future__ import annotations

# Text on a translucent background is tested on white and black, because the video behind captions
# is unknown. Letters with an edge all around are tested against that edge.
POOR_CONTRAST = r"""() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (colour) => {
    if (!known.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return known.get(colour);
  };
  const over = ([r, g, b, a], [x, y, z]) =>
    [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a), 1];
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const light = (part) => linear(part / 255);
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const ratio = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const parent = (one) => one.assignedSlot ?? one.parentElement ?? one.getRootNode().host ?? null;
  const isClipped = (one) =>
    one !== null && (getComputedStyle(one).clipPath === "inset(50%)" || isClipped(parent(one)));
  const isSeen = (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    && one.getClientRects().length > 0 && !one.closest(":disabled, .measure") && !isClipped(one);
  const opacity = (one) => {
    let all = 1;
    for (let here = one; here; here = parent(here)) all *= Number(getComputedStyle(here).opacity);
    return all;
  };
  const ground = (one, base) => {
    const layers = [];
    for (let here = one; here; here = parent(here)) {
      const colour = rgba(getComputedStyle(here).backgroundColor);
      layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), base);
  };
  const least = (colour, at) => Math.min(...[[255, 255, 255, 1], [0, 0, 0, 1]].map((base) => {
    const below = ground(at, base);
    return ratio(over(colour, below), below);
  }));
  const edged = (colour, shadow) => {
    const edge = /^rgba?\([^)]*\)/.exec(shadow)?.[0];
    return edge && (shadow.match(/rgb/g) ?? []).length >= 8 ? ratio(colour, rgba(edge)) : 0;
  };
  const poor = [];
  const judge = (what, one, colour, at, needed, shadow = "none") => {
    const found = Math.max(least(rgba(colour), at), edged(rgba(colour), shadow));
    if (opacity(one) > 0.9 && found < needed) poor.push(`${what}: ${found.toFixed(2)} < ${needed}`);
  };
  const within = (root) => [...root.querySelectorAll("*")].flatMap((one) =>
    one.shadowRoot ? [one, ...within(one.shadowRoot)] : [one]);
  for (const one of within(document).filter(isSeen)) {
    const style = getComputedStyle(one);
    const text = [...one.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE)
      .map(({ data }) => data).join(" ").trim();
    const size = Number.parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const name = `${one.localName}.${one.className?.baseVal ?? one.className}`;
    if (text !== "" && one.localName !== "option") {
      judge(`${name} "${text.slice(0, 20)}"`, one, style.color, one, needed, style.textShadow);
    }
    if (one.placeholder) {
      judge(`${name} placeholder`, one, getComputedStyle(one, "::placeholder").color, one, 4.5);
    }
    if (one.matches("svg.icon")) judge(`${name} icon`, one, style.stroke, one, 3);
    if (one.matches("select, .input, .tick, .switch")) {
      judge(`${name} border`, one, style.borderTopColor, parent(one), 3);
    }
  }
  return poor;
}"""

"""Lists what has too little contrast, including shadow roots."""

FAULTS = f"""async (selector) => {{
  const {{ violations }} = await axe.run(selector ?? document, {{ resultTypes: ["violations"] }});
  const found = violations.flatMap(({{ id, nodes }}) => nodes.map(({{ target, failureSummary }}) =>
    `${{id}} ${{target.flat().join(" ")}}: ${{failureSummary}}`));
  return [...found, ...({POOR_CONTRAST})()];
}}"""
"""Lists what axe-core finds in ``selector``, the document without one, and what stands out too
little in the whole page. The page must have axe-core's script.
"""
