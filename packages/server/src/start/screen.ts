// What the user sees while things start: plain lines anywhere, one moving line on a terminal.
import * as path from 'node:path';
import { cut, type Terminal, terminalOf } from '../cli/render/terminal.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 80;

/** Lines of text for a person. On a terminal the last one may move; elsewhere nothing is ever rewritten. */
export class Screen {
  readonly terminal: Terminal;
  readonly #out: NodeJS.WriteStream;
  readonly #moves: boolean;
  #status: string | undefined;
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(out: NodeJS.WriteStream) {
    this.terminal = terminalOf(out);
    this.#out = out;
    this.#moves = out.isTTY === true && process.env.TERM !== 'dumb';
    // The terminal may be closed while services are still being stopped.
    out.on('error', () => {});
  }

  line(text = ''): void {
    this.#clear();
    this.#out.write(`${text}\n`);
    this.#draw();
  }

  ok(text: string): void {
    this.line(`${this.terminal.paint('green', '✔')} ${text}`);
  }

  problem(text: string): void {
    this.line(`${this.terminal.paint('red', '✖')} ${text}`);
  }

  note(text: string): void {
    this.line(`${this.terminal.paint('yellow', '!')} ${text}`);
  }

  /** The moving line. Where there is no terminal it is not written at all: what matters also comes as a line. */
  status(text: string): void {
    if (!this.#moves) return;
    this.#status = text;
    this.#timer ??= setInterval(() => {
      this.#clear();
      this.#draw();
    }, FRAME_MS);
    this.#timer.unref();
    this.#clear();
    this.#draw();
  }

  /** Takes the moving line away. */
  endStatus(): void {
    this.#clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#status = undefined;
  }

  #clear(): void {
    if (this.#status !== undefined) this.#out.write('\r\x1b[2K');
  }

  #draw(): void {
    if (this.#status === undefined) return;
    this.#frame = (this.#frame + 1) % FRAMES.length;
    this.#out.write(
      `${this.terminal.paint('cyan', FRAMES[this.#frame] ?? '')} ${cut(this.#status, this.terminal.width - 3)}`,
    );
  }
}

/** Relative where that is shorter: what lies below this folder. */
export function shortPath(absolute: string): string {
  const relative = path.relative('', absolute);
  return relative === '' || relative.startsWith('..') ? absolute : relative;
}
