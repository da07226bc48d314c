/** The characters that a timeline is drawn with. */
export interface DrawingSigns {
  readonly branch: string;
  readonly lastBranch: string;
  readonly rail: string;
  readonly noRail: string;

  /** Stands before the level of a span that is too deep to be indented. */
  readonly deeper: string;

  /** Ends a text that was cut. */
  readonly cut: string;
  readonly arrow: string;
  readonly failed: string;
  readonly separator: string;
  readonly micro: string;

  /** A moment of the time axis, where there is no bar. */
  readonly gridLine: string;
}

/** For terminals that show Unicode. Every sign is one column wide for each of its characters. */
export const UNICODE_SIGNS: DrawingSigns = {
  branch: "├─ ",
  lastBranch: "└─ ",
  rail: "│  ",
  noRail: "   ",
  deeper: "↳",
  cut: "…",
  arrow: "→",
  failed: "✗",
  separator: "·",
  micro: "µ",
  gridLine: "┊",
};

/** For those that do not. */
export const ASCII_SIGNS: DrawingSigns = {
  branch: "+- ",
  lastBranch: "`- ",
  rail: "|  ",
  noRail: "   ",
  deeper: ">",
  cut: "...",
  arrow: "->",
  failed: "!",
  separator: "-",
  micro: "u",
  gridLine: ":",
};

/** The same signs, with a tree of two columns instead of three for each level. */
export function narrowTree(signs: DrawingSigns): DrawingSigns {
  return {
    ...signs,
    branch: twoColumns(signs.branch),
    lastBranch: twoColumns(signs.lastBranch),
    rail: twoColumns(signs.rail),
    noRail: twoColumns(signs.noRail),
  };
}

function twoColumns(sign: string): string {
  return `${sign.slice(0, 1)} `;
}
