// What may be written to this terminal: how wide, whether in colour, and never a control character from the data.
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

export interface Terminal {
  /** Columns of a line. */
  width: number;
  paint(style: Style, text: string): string;
}

// A pipe has no width; this fits a wide window and keeps files readable.
const PIPE_WIDTH = 120;
const NARROWEST = 40;

/**
 * The terminal a stream writes to. COLUMNS wins over what the stream says. A stream that is not a terminal gets no colour
 * unless FORCE_COLOR asks for it, and none does where NO_COLOR is set.
 */
export function terminalOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv = process.env): Terminal {
  const asked = Number.parseInt(env.COLUMNS ?? '', 10);
  const width = Math.max(NARROWEST, asked > 0 ? asked : (stream.columns ?? PIPE_WIDTH));
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0';
  const coloured = !env.NO_COLOR && (forced || (stream.isTTY === true && env.TERM !== 'dumb'));
  return {
    width,
    paint: (style, text) => (coloured && text !== '' ? styleText(style, text, { validateStream: false }) : text),
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Text of spans comes from anywhere: a name must not move the cursor, and a line stays a line. */
export function clean(text: unknown): string {
  return String(text ?? '').replace(CONTROL, (char) => {
    const code = char.charCodeAt(0);
    if (char === '\n') return '⏎';
    if (char === '\t') return ' ';
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '�';
  });
}

const SEGMENTS = new Intl.Segmenter();
// Han, kana, Hangul, full-width forms and emoji take two columns.
const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation})/u;
const PLAIN = /^[\x20-\x7e]*$/;

/** Columns the text takes; it must hold no colour. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of SEGMENTS.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** The text in at most `width` columns; an ellipsis stands for what was cut. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of SEGMENTS.segment(text)) {
    const next = WIDE.test(segment) ? 2 : 1;
    if (used + next > width - 1) break;
    kept += segment;
    used += next;
  }
  return `${kept}…`;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text;
}

/** Words on lines of at most `width` columns, each after `indent`. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(/\s+/)) {
    if (line !== indent && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = indent;
    }
    line += (line === indent ? '' : ' ') + word;
  }
  return [...lines, line];
}
