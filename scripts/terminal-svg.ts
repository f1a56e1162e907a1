// Output of a terminal as an SVG: the text as it stood in the end, in its colours.

interface Run {
  text: string;
  classes: string;
}

const LINE_HEIGHT = 18;
const COLUMN_WIDTH = 8.43;
const MARGIN = 18;
const BAR = 34;

/** SGR codes that are used, as the CSS classes below. */
const CLASSES: Record<number, string> = {
  1: 'b',
  2: 'd',
  31: 'red',
  32: 'green',
  33: 'yellow',
  34: 'blue',
  35: 'magenta',
  36: 'cyan',
};

const STYLE = `
  text { font: 14px ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d6dbe1; }
  .b { font-weight: 600; fill: #ffffff; } .d { fill: #7d8794; }
  .red { fill: #ff7b72; } .green { fill: #56d364; } .yellow { fill: #e3b341; }
  .blue { fill: #6cb6ff; } .magenta { fill: #d2a8ff; } .cyan { fill: #56d4dd; }`;

/**
 * @param output Bytes a program wrote to a terminal; a line that was rewritten counts as it was last.
 * @param columns Width of that terminal.
 */
export function svgOf(output: string, columns: number): string {
  const lines = settled(output).map(runsOf);
  const width = Math.ceil(columns * COLUMN_WIDTH + 2 * MARGIN);
  const height = BAR + lines.length * LINE_HEIGHT + MARGIN;
  const dots = ['#ff5f57', '#febc2e', '#28c840']
    .map((colour, i) => `<circle cx="${20 + i * 20}" cy="17" r="6" fill="${colour}"/>`)
    .join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<style>${STYLE}
</style>
<rect width="${width}" height="${height}" rx="10" fill="#151b23"/>
${dots}
${lines.map((runs, i) => draw(runs, BAR + (i + 1) * LINE_HEIGHT - 4)).join('\n')}
</svg>
`;
}

/** Each run is placed by the column of its first letter, so that neither a font nor a blank can shift what follows. */
function draw(runs: Run[], y: number): string {
  let column = 0;
  const spans = runs.map(({ text, classes }) => {
    const shown = text.trim();
    const x = (MARGIN + (column + text.indexOf(shown)) * COLUMN_WIDTH).toFixed(1);
    column += [...text].length;
    if (shown === '') return '';
    const length = ([...shown].length * COLUMN_WIDTH).toFixed(1);
    return `<tspan x="${x}" textLength="${length}"${classes && ` class="${classes}"`}>${escaped(shown)}</tspan>`;
  });
  return `<text y="${y}">${spans.join('')}</text>`;
}

/** Lines as they stood last: what came before a carriage return was overwritten. */
function settled(output: string): string[] {
  const lines = output.split(/\r*\n/).map((line) => line.slice(line.lastIndexOf('\r') + 1).replaceAll('\x1b[2K', ''));
  while (lines.at(-1)?.trim() === '') lines.pop();
  return lines;
}

function runsOf(line: string): Run[] {
  const runs: Run[] = [];
  let active = new Set<string>();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is read here
  for (const part of line.split(/(\x1b\[[0-9;]*m)/)) {
    if (!part.startsWith('\x1b[')) {
      if (part !== '') runs.push({ text: part, classes: [...active].join(' ') });
      continue;
    }
    for (const code of part.slice(2, -1).split(';').map(Number)) active = applied(active, code);
  }
  return runs;
}

function applied(active: Set<string>, code: number): Set<string> {
  if (code === 0) return new Set();
  const without = (...classes: string[]) => new Set([...active].filter((each) => !classes.includes(each)));
  if (code === 22) return without('b', 'd');
  if (code === 39) return without('red', 'green', 'yellow', 'blue', 'magenta', 'cyan');
  const name = CLASSES[code];
  return name ? new Set([...active, name]) : active;
}

/** Blanks are made unbreakable: SVG would join several into one. */
function escaped(text: string): string {
  return text.replaceAll(' ', '\u00a0').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
