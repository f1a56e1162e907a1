// What stands where a value would, and is none.

/** Words that people write after a colon. */
export function isProseWord(value: string): boolean {
  return /^(?:required|expired|invalid|missing|incorrect|wrong|changed|empty|unset|unknown|denied|failed|failure|rejected|refused|revoked|rotated|updated|created|deleted|verified|accepted|mismatch|yes|no|string|text|optional|hidden|set|reset|ok|success|succeeded|none|null|true|false|not|error|absent|present|too|must|is|was|has|cannot|should|will|unauthorized|forbidden|redacted|masked|disabled|enabled)[.,:;!?]?$/i.test(
    value,
  );
}

/** `$1`, `?`, `%s`, `${NAME}`, `***`: what stands for a secret, or is none. */
export function isPlaceholder(value: string): boolean {
  return /^(?:\$\d+|\$\{[A-Za-z0-9_.]*\}|\$[A-Z][A-Z0-9_]*|\$\([^)]*\)|\?|%s|%v|%d|%\(\w+\)s|\{\{.*\}\}|#?\{\w*\}|<[\w -]{0,40}>|[*•x.]{3,}|\*+|[:@][a-z_]+(?:_\d+)?|:\d+|\[\w+\]|\(\w+\)|%REDACTED%|REDACTED|FILTERED)$/i.test(
    value,
  );
}
