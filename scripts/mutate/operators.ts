// One small fault at a time, made in the text of a source: what a test that protects has to notice.

export interface Mutant {
  file: string;
  line: number;
  /** What was done, for a person. */
  what: string;
  /** The whole file with the fault in it. */
  text: string;
}

type Operator = [what: string, pattern: RegExp, replacement: string | ((found: string, ...groups: string[]) => string)];

/** Faults of conditions, constants, roles and levels in SQL. Comments and sentences stay as they are. */
const SQL: Operator[] = [
  ['condition negated', /(?<=\bwhere )(b\.meaning in \([^()]*\))/, 'not ($1)'],
  ['accuses everything', /(?<=\bwhere )(b\.meaning in \([^()]*\))/, 'true'],
  ['condition dropped', /^\s+and (?![^\n]*\bbetween\b)(?=[^\n]*$)/, 'DROP'],
  ['comparison flipped', / >= /, ' < '],
  ['comparison flipped', / <= /, ' > '],
  ['comparison flipped', / (?<![-=])> (?!>)/, ' < '],
  ['comparison flipped', / < /, ' > '],
  ['comparison flipped', / <> /, ' = '],
  ['is null flipped', / is not null/, ' is null'],
  ['not exists flipped', /\bnot exists\b/, 'exists'],
  ['constant raised', /(?<=[<>=*] |:= )(\d+(?:\.\d+)?)(?=[ ;)\n])/, (n) => String(Number(n) * 4)],
  ['meaning left out', /(?<=meaning in \([^()]*)'[a-z_]+', (?=')/, ''],
  ['role raised', /'remark'/, "'cause'"],
  ['role lowered', /'cause'/, "'remark'"],
  ['level lowered', /'(?:certain|strong|likely|possible)'/, "'weak'"],
];

const TYPESCRIPT: Operator[] = [
  ['comparison flipped', / === /, ' !== '],
  ['comparison flipped', / !== /, ' === '],
  ['comparison flipped', / >= /, ' < '],
  ['comparison flipped', / <= /, ' > '],
  ['comparison flipped', / (?<!=)> (?=[\w(])/, ' <= '],
  ['comparison flipped', / < (?=[\w(])/, ' >= '],
  ['and for or', / && /, ' || '],
  ['or for and', / \|\| /, ' && '],
  ['default dropped', / \?\? [\w.']+/, ''],
  ['not dropped', /\(!(?=[\w(])/, '('],
  ['sum and difference', / \+ (?=[\w(])/, ' - '],
  [
    'constant raised',
    /(?<=(?:[<>=*] |const [A-Z_]+ = ))(\d[\d_]*)(?=[ ;)\n])/,
    (n) => String(Number(n.replaceAll('_', '')) * 4 + 1),
  ],
  ['boolean turned', /\b(?:true|false)(?=[;,)\s])/, (word) => (word === 'true' ? 'false' : 'true')],
];

/** Every mutant of a file, in the order of its lines. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const lines = text.split('\n');
  const operators = file.endsWith('.sql') ? SQL : TYPESCRIPT;
  return lines.flatMap((line, at) => {
    if (/^\s*(?:--|\/\/|\/?\*|import |export type|export interface|comment on|')/.test(line)) return [];
    return operators.flatMap(([what, pattern, replacement]) => {
      const bare = withoutTexts(line, file);
      const found = pattern.exec(pattern.source.includes("'") ? line : bare);
      if (!found) return [];
      const changed =
        replacement === 'DROP'
          ? dropped(line)
          : line.slice(0, found.index) + replaced(found, replacement) + line.slice(found.index + found[0].length);
      if (changed === undefined || changed === line) return [];
      return [{ file, line: at + 1, what, text: lines.with(at, changed).join('\n') }];
    });
  });
}

function replaced(found: RegExpExecArray, replacement: Operator[2]): string {
  if (typeof replacement === 'function') return replacement(found[0], ...found.slice(1));
  return replacement.replace('$1', found[1] ?? '');
}

/** A line that holds one whole condition, left out. */
function dropped(line: string): string | undefined {
  const opened = (line.match(/\(/g) ?? []).length;
  const closed = (line.match(/\)/g) ?? []).length;
  return opened === closed && !/\bcase\b|\bwhen\b/.test(line) ? (line.endsWith(';') ? ';' : '') : undefined;
}

/** Texts blanked out, so that a sentence is not taken for code; places stay as they are. */
function withoutTexts(line: string, file: string): string {
  const text = file.endsWith('.sql') ? /'(?:[^']|'')*'/g : /'[^']*'|`[^`]*`/g;
  return line
    .replace(text, (found) => `'${' '.repeat(Math.max(0, found.length - 2))}'`)
    .replace(/\s+\/\/.*$/, (note) => ' '.repeat(note.length));
}
