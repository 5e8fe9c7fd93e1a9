// The picture of clients, queue and slots as SVG. It follows the light or dark of whoever looks.

const WIDTH = 860;
const HEIGHT = 290;
const WAITING = 9;
const DESTINATIONS = [
  { name: "10.0.0.7:5432", slots: [true, true, true, true], note: "" },
  { name: "10.0.0.8:5432", slots: [true, true, true, false], note: "" },
  { name: "10.0.0.9:5432", slots: [false, false, false, false], note: "down" },
];

const STYLE = `
    text { font: 15px system-ui, sans-serif; fill: #1f2328; }
    .small { font-size: 13px; fill: #59636e; }
    .box { fill: none; stroke: #8c959f; stroke-width: 1.5; }
    .arrow { fill: none; stroke: #59636e; stroke-width: 1.5; }
    .head { fill: #59636e; }
    .client { fill: #8c959f; }
    .session { fill: #0969da; }
    .free { fill: none; stroke: #0969da; stroke-width: 1.5; }
    .down { stroke-dasharray: 4 4; }
    .down-slot { fill: none; stroke: #8c959f; stroke-width: 1.5; stroke-dasharray: 3 3; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; }
      .small { fill: #9198a1; }
      .box, .down-slot { stroke: #656c76; }
      .arrow { stroke: #9198a1; }
      .head { fill: #9198a1; }
      .client { fill: #656c76; }
      .session { fill: #4493f8; }
      .free { stroke: #4493f8; }
    }`;

/** The picture. */
export function queuePicture(): string {
  const middle = 150;
  const parts = [
    text(60, 40, "clients"),
    ...clients(),
    arrow([118, middle], [186, middle]),
    text(330, middle - 46, "one queue"),
    rectangle({ x: 194, y: middle - 28, width: 272, height: 56 }),
    ...Array.from({ length: WAITING }, (_, i) => circle(446 - i * 29, middle, "session")),
    text(330, middle + 56, "first come, first served", "small"),
    text(330, middle + 76, "a client that leaves is gone at once", "small"),
    text(700, 40, "slots of the destinations"),
    ...DESTINATIONS.flatMap((one, i) => destination(one, { y: 62 + i * 70, from: middle })),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="Clients enter one queue; the oldest session gets the first slot that is free at any destination.">
  <style>${STYLE}
  </style>
${parts.map((part) => `  ${part}`).join("\n")}
</svg>
`;
}

function clients(): string[] {
  const places = [[40, 80], [84, 96], [52, 122], [92, 140], [36, 160], [74, 176], [44, 206], [
    90,
    214,
  ]];
  return places.map(([x, y]) => circle(x!, y!, "client"));
}

function destination(
  { name, slots, note }: (typeof DESTINATIONS)[number],
  { y, from }: { y: number; from: number },
): string[] {
  const down = note !== "";
  return [
    rectangle({ x: 580, y, width: 240, height: 56 }, down ? "box down" : "box"),
    text(596, y + 24, name, "start"),
    text(596, y + 44, note || "up", "small start"),
    ...slots.map((busy, i) => {
      return circle(722 + i * 26, y + 28, down ? "down-slot" : busy ? "session" : "free");
    }),
    ...(down ? [] : [arrow([474, from], [572, y + 28])]),
  ];
}

function text(x: number, y: number, words: string, kind = ""): string {
  const anchor = kind.includes("start") ? "start" : "middle";
  const small = kind.includes("small") ? ' class="small"' : "";
  return `<text x="${x}" y="${y}" text-anchor="${anchor}"${small}>${words}</text>`;
}

function circle(x: number, y: number, kind: string): string {
  return `<circle cx="${x}" cy="${y}" r="9" class="${kind}"/>`;
}

function rectangle(
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
  kind = "box",
): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="10" class="${kind}"/>`;
}

/** A line with a head at its end. */
function arrow([x1, y1]: readonly [number, number], [x2, y2]: readonly [number, number]): string {
  const angle = Math.round(Math.atan2(y2 - y1, x2 - x1) * 180 / Math.PI);
  const head =
    `<path class="head" transform="translate(${x2} ${y2}) rotate(${angle})" d="M0 0 -9 -5 -9 5z"/>`;
  return `<path class="arrow" d="M${x1} ${y1} ${x2} ${y2}"/>${head}`;
}
