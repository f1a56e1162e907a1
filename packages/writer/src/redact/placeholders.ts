// What a value looks like: made by a machine, a word of a sentence, a stand-in for a value.

/** Words that people write after a colon. */
export function isProseWord(value: string): boolean {
  return /^(?:required|expired|invalid|missing|incorrect|wrong|changed|empty|unset|unknown|denied|failed|failure|rejected|refused|revoked|rotated|updated|created|deleted|verified|accepted|mismatch|yes|no|string|text|optional|hidden|set|reset|ok|success|succeeded|none|null|true|false|not|error|absent|present|too|must|is|was|has|cannot|should|will|unauthorized|forbidden|erforderlich|falsch|leer|ungültig|abgelaufen|incorrecta|incorrecto|requerida|requerido|obligatoria|inválida|vacía|requis|incorrecte|expiré|obligatoire|incorreta|obrigatória|неверный|обязателен|redacted|masked|disabled|enabled)[.,:;!?]?$/i.test(
    value,
  );
}

/** `$1`, `?`, `%s`, `${NAME}`, `***`: what stands for a secret, or is none. */
export function isPlaceholder(value: string): boolean {
  return /^(?:\$\d+|\$\{[A-Za-z0-9_.]*\}|\$[A-Z][A-Z0-9_]*|\$\([^)]*\)|\?|%s|%v|%d|%\(\w+\)s|\{\{.*\}\}|#?\{\w*\}|<[\w -]{0,40}>|[*•x.]{3,}|\*+|[:@][a-z_]+(?:_\d+)?|:\d+|\[\w+\]|\(\w+\)|%REDACTED%|REDACTED|FILTERED)$/i.test(
    value,
  );
}

/** Letters and digits in no order a person would choose, as opposed to words, ids with dashes, dates. */
export function looksMade(text: string): boolean {
  const value = text.slice(0, 200);
  if (!/\d/.test(value) || !/[a-z]/i.test(value)) return false;
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-/i.test(value)) return false;
  return (
    value.split(/[_.~%+/-]/).some((part) => part.length >= 12 && /\d/.test(part) && /[a-z]/i.test(part)) ||
    /[A-Z].*[a-z].*\d|\d.*[a-z].*[A-Z]/.test(value)
  );
}

const SENTENCE =
  /^(?:is|must|can(?:no|')t|should|too|has|have|does|may|needs?|required|invalid|the|this|please|your|password|field|incorrect|wrong|missing|not|at least|minimum|enter|value|contains?|only|doesn't|don't|choose|use)(?: [A-Za-z0-9'’(),.:;-]{1,30}){1,40}[.!]?$/i;

/** What is wrong with a value, where the value would stand: "must be at least 8 characters". */
export function isSentence(value: string): boolean {
  return SENTENCE.test(value) && !/\b(?=\w*\d)(?=\w*[A-Za-z])\w{5,}/.test(value);
}

const EXPRESSION =
  /^(?:process\.env|os\.(?:environ|getenv)|import\.meta|Deno\.env|Bun\.env|ENV\[|env\(|getenv\(|System\.getenv|z\.[a-z]|Joi\.|yup\.|config\.|settings\.|secrets\.|vault:|ssm:|!(?:Ref|Sub|GetAtt)|Fn::|\$\{\{|\$\{[A-Z_]+(?::?-|\}))/;
const PUNCTUATED = /[.({[:!]/;
const CALLED = /^[A-Za-z_$][\w.$:>-]{0,80}\(/;

/** Whether a value without quotes is an expression of a program: a call, a variable. @param next What follows the value. */
export function isCode(value: string, next: string, isSpaced: boolean): boolean {
  if (!PUNCTUATED.test(value) && next !== '(') return isSpaced && (value === 'new' || value === 'await');
  if (EXPRESSION.test(value)) return true;
  if (CALLED.test(value + next)) return true;
  return isSpaced && /^[a-z_]+(?:\.[A-Za-z_]+)+;?$/.test(value);
}
