/**
 * Every template literal and every single-quoted text of a TypeScript source, with an x where a value is filled in; a
 * template inside such a value stands by itself. Regular expressions with a quote in them may end a text early, which a
 * reader that looks for SQL can bear.
 */
export function templates(source: string): string[] {
  const found: string[] = [];
  const open: { text: string; braces: number }[] = [];
  let isTemplate = false;
  for (let at = 0; at < source.length; at++) {
    const character = source[at];
    const top = open.at(-1);
    if (isTemplate && top) {
      if (character === '\\') top.text += source[++at];
      else if (character === '`') {
        found.push(top.text);
        open.pop();
        isTemplate = false;
      } else if (character === '$' && source[at + 1] === '{') {
        top.text += ' x ';
        top.braces = 1;
        isTemplate = false;
        at++;
      } else top.text += character;
      continue;
    }
    if (character === '/' && source[at + 1] === '/') at = lineEnd(source, at);
    else if (character === '/' && source[at + 1] === '*') at = source.indexOf('*/', at) + 1;
    else if (character === "'" || character === '"') {
      const end = textEnd(source, at);
      found.push(source.slice(at + 1, end));
      at = end;
    } else if (character === '`') {
      open.push({ text: '', braces: 0 });
      isTemplate = true;
    } else if (character === '{' && top) top.braces++;
    else if (character === '}' && top && --top.braces === 0) isTemplate = true;
  }
  return found;
}

function lineEnd(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end === -1 ? source.length : end;
}

/** A text ends on its line. */
function textEnd(source: string, from: number): number {
  for (let at = from + 1; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === source[from] || source[at] === '\n') return at;
  }
  return source.length;
}
