// Secrets are taken out before anything is stored: whole values under keys that name a secret, and parts of other values
// that look like one.

export const REDACTED = '[redacted]';

export interface RedactorOptions {
  /** `false` stores everything as it came. Default true. */
  enabled?: boolean;
  /** Further keys whose values are secret; compared without case. */
  keys?: readonly string[];
  /** Keys that are stored as they are, whatever they look like. */
  keep?: readonly string[];
}

/** How secret a key makes its value: not at all, unless it is a number (token counts are), or always. */
export type KeySecrecy = 0 | 1 | 2;

const ALWAYS = new Set(
  `authorization cookie cookies password passwords passwd pwd passphrase secret secrets credential credentials apikey apikeys
  apisecret clientsecret privatekey secretkey accesskey passcode`.split(/\s+/),
);
/** Words that make the word `key` after them a secret. */
const SECRET_KEYS = new Set(
  'api access private secret signing encryption account auth master subscription shared license'.split(' '),
);
const TOKENS = new Set('token jwt csrf xsrf otp nonce sessionid bearer'.split(' '));
// A word after the secret one that says that this is something about the secret, not the secret.
const ABOUT = new Set(
  `count counts limit limits type types usage length size budget index name names id ids expires expiry expired expiration ttl
  cost rate source endpoint url uri path provider arn version policy hint status attempts attempt present valid changed age
  enabled required reset consent domain banner manager kind format algorithm per used remaining total max min detail details
  rotation strength method scope created updated ms seconds`.split(/\s+/),
);

export class Redactor {
  readonly enabled: boolean;
  readonly #keys: ReadonlySet<string>;
  readonly #keep: ReadonlySet<string>;

  constructor(options: RedactorOptions = {}) {
    this.enabled = options.enabled ?? true;
    this.#keys = new Set((options.keys ?? []).map((key) => key.toLowerCase()));
    this.#keep = new Set((options.keep ?? []).map((key) => key.toLowerCase()));
  }

  /** Whether the value under this key is a secret whatever it looks like. */
  ofKey(key: string): KeySecrecy {
    const lower = key.toLowerCase();
    if (!this.enabled || this.#keep.has(lower)) return 0;
    if (this.#keys.has(lower)) return 2;
    const words = key
      .slice(0, 1_024)
      .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .split(/[^a-z0-9]+/);
    let found: KeySecrecy = 0;
    for (let i = 0; i < words.length; i++) {
      const secrecy = ofWord(words[i]!, words[i - 1]);
      if (secrecy > found && !ABOUT.has(words[i + 1] ?? '')) found = secrecy;
    }
    return found;
  }

  /** The text without the secrets in it; the same string when there are none. */
  ofText(text: string): string {
    if (!this.enabled) return text;
    let clean = text;
    for (const [pattern, replace] of PATTERNS) clean = clean.replace(pattern, replace);
    return clean;
  }
}

function ofWord(word: string, before: string | undefined): KeySecrecy {
  if (ALWAYS.has(word)) return 2;
  if ((word === 'key' || word === 'keys') && before !== undefined && SECRET_KEYS.has(before)) return 2;
  if (TOKENS.has(word) || /^(?:access|auth|id|refresh|session|bearer|api|csrf)token$/.test(word)) return 1;
  return 0;
}

type Replace = (match: string, ...groups: string[]) => string;

const VALUE = '[A-Za-z0-9._~+/=-]';
// What providers make their keys look like, so that nothing else does.
const VALUE_TYPES = [
  String.raw`sk-[\w-]{20,}`,
  String.raw`(?:sk|pk|rk)_(?:live|test)_\w{10,}`,
  String.raw`whsec_[\w+/=]{20,}`,
  String.raw`gh[pousr]_\w{30,}`,
  String.raw`github_pat_\w{20,}`,
  String.raw`gl(?:pat|dt|rt|ptt|soat)-[\w-]{16,}`,
  String.raw`xox[abeprs]-[\w-]{10,}`,
  String.raw`xapp-\d-[\w-]{10,}`,
  '(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}',
  String.raw`AIza[\w-]{35}`,
  String.raw`ya29\.[\w-]{20,}`,
  String.raw`GOCSPX-[\w-]{20,}`,
  'npm_[A-Za-z0-9]{36}',
  String.raw`pypi-[\w-]{16,}`,
  'hf_[A-Za-z0-9]{20,}',
  'r8_[A-Za-z0-9]{30,}',
  String.raw`(?:gsk|dckr_pat|sntrys|figd|rubygems|lsv2_(?:pt|sk)|lin_api|shp(?:at|ca|pa|ss)|do[opr]_v1)_[\w-]{20,}`,
  String.raw`(?:nvapi|xai|pplx|tvly|PMAK)-[\w-]{20,}`,
  String.raw`SG\.[\w-]{16,}\.[\w-]{16,}`,
  String.raw`hv[sb]\.[\w-]{20,}`,
  String.raw`dp\.(?:pt|st|ct)\.\w{20,}`,
  'dapi[0-9a-f]{32}',
  'key-[0-9a-f]{32}',
  String.raw`sq0[a-z]{3}-[\w-]{22,}`,
  String.raw`ATATT3[\w=-]{20,}`,
  'AGE-SECRET-KEY-1[0-9A-Z]{40,}',
  String.raw`\d{8,10}:AA[\w-]{32,}`,
  String.raw`eyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)?`,
].join('|');

// None may start again inside what it has just passed over: a value of 1 MB must cost milliseconds, whatever is in it.
const PATTERNS: [RegExp, Replace][] = [
  // The password of a connection string, or of any address.
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/@"'?#]*):[^\s@"'/]+@/gi, (_, before) => `${before}:${REDACTED}@`],
  [
    /-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|$)/g,
    () => REDACTED,
  ],
  [new RegExp(`(?<![\\w-])(?:${VALUE_TYPES})`, 'g'), () => REDACTED],
  [
    /(hooks\.slack\.com\/services\/|discord(?:app)?\.com\/api\/webhooks\/)[\w/-]{20,}/g,
    (_, before) => before + REDACTED,
  ],
  [
    new RegExp(`\\b(Bearer|Basic|Negotiate)(\\s+)(${VALUE}{8,})`, 'gi'),
    (match, scheme, space, value) => (isRandom(value!) ? scheme! + space + REDACTED : match),
  ],
  [
    /\b(Token|ApiKey)(\s+)([\w./+~-]{16,}={0,2})/gi,
    (match, scheme, space, value) => (isRandom(value!) ? scheme! + space + REDACTED : match),
  ],
  // password=..., "apiKey":"...", token:...; a colon with a space after it is prose.
  [
    /((?:passw(?:or)?d|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|credentials?|signature|x-amz-security-token|sig|authorization)\\?["']?(?:\s*=\s*|:\s*(?=\\?["'])|:))(\\?["']?)([^\s"'&;,\\]{3,})/gi,
    (match, name, quote, value) => (isPlaceholder(value!) ? match : name! + quote + REDACTED),
  ],
];

/** Made by a machine, as opposed to a word that follows `basic` or `token` in a sentence. */
function isRandom(value: string): boolean {
  return /[0-9=]/.test(value) || /[a-z][A-Z]/.test(value) || value.length >= 24;
}

/** `$1`, `?`, `%s`, `true`, a number: what stands for a secret, or is none. */
function isPlaceholder(value: string): boolean {
  return /^(?:[$?:%{<*[(]|true$|false$|null$|none$|undefined$|required$|\d{1,7}$)/i.test(value);
}
