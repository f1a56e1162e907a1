// A small expression parser, because the simulated model has to be right where right and wrong can be distinguished.

const WORDS: Record<string, string> = {
  plus: '+',
  minus: '-',
  times: '*',
  'multiplied by': '*',
  'divided by': '/',
  '×': '*',
  '÷': '/',
  '−': '-',
};

const EXPRESSION = /[-+(\d.][-+*/%^().\d\s]*/g;

/**
 * The result of the arithmetic in a question such as "What is 2+2?" or "Calculate (3 + 4) times 2."; undefined when
 * there is none, or when it has no finite result.
 */
export function arithmeticAnswer(question: string): number | undefined {
  const symbols = question.replace(
    /\b(?:plus|minus|times|multiplied by|divided by)\b|[×÷−]/gi,
    (word) => WORDS[word.toLowerCase()] ?? word,
  );
  // The longest candidate: "In 2024, what is 12 * 12?" asks about the second number, not about the year.
  const candidates = (symbols.match(EXPRESSION) ?? [])
    .map((text) => text.trim().replace(/\.$/, ''))
    .filter((text) => /\d\s*[-+*/%^]\s*[-+(\d.]/.test(text) || /\)\s*[-+*/%^]/.test(text))
    .sort((a, b) => b.length - a.length);
  for (const candidate of candidates) {
    const value = evaluate(candidate);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Evaluates + - * / % ^ and parentheses; undefined for anything that is not such an expression or is not finite. */
export function evaluate(expression: string): number | undefined {
  // Recursive descent: without a bound, ten thousand parentheses would end the process.
  if (expression.length > 200) return undefined;
  const tokens = expression.match(/\d+(?:\.\d+)?|\.\d+|[-+*/%^()]|\S/g) ?? [];
  let at = 0;

  const sum = (): number => {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-')
      value = tokens[at++] === '+' ? value + product() : value - product();
    return value;
  };
  const product = (): number => {
    let value = signed();
    for (;;) {
      if (tokens[at] === '*') value *= next(signed);
      else if (tokens[at] === '/') value /= next(signed);
      else if (tokens[at] === '%') value %= next(signed);
      else return value;
    }
  };
  const signed = (): number => {
    if (tokens[at] === '-') return -next(signed);
    if (tokens[at] === '+') return next(signed);
    return power();
  };
  const power = (): number => {
    const base = atom();
    return tokens[at] === '^' ? base ** next(signed) : base;
  };
  const atom = (): number => {
    if (tokens[at] !== '(') return Number(tokens[at++] ?? Number.NaN);
    const value = next(sum);
    if (tokens[at++] !== ')') return Number.NaN;
    return value;
  };
  const next = (parse: () => number): number => {
    at++;
    return parse();
  };

  const value = sum();
  return at === tokens.length && Number.isFinite(value) ? value : undefined;
}
