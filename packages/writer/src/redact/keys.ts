// Whether a key names a secret: `http.request.header.authorization`, `DB_PASSWORD`, `userPass`, `x-api-key`.
import { ABROAD, ABROAD_USUALLY, isAbroad, plain } from './names-abroad.ts';

/** How secret a key makes its value: not at all, unless it is a number or a word such as `none` (tokens are), or always. */
export type KeySecrecy = 0 | 1 | 2;

const set = (words: string) => new Set(words.split(/\s+/));

const ALWAYS = set(
  `authorization cookie cookies setcookie password passwords passwd passwds pwd passphrase secret secrets credential
  credentials creds apikey apikeys privatekey secretkey accesskey passcode pin otp totp cvv cvc ssn mnemonic requirepass
  masterauth phpsessid jsessionid aspsessionid passkey passkeys pswd psswd passwrd paswd pasword pword psw psk pepper keypass
  storepass bindpw rootpw authtoken`,
);
const USUALLY = set('token tokens jwt csrf xsrf nonce sessionid sessid bearer pass pw sastoken salt authkey jaas');
/** Words that make `key` after them a secret. */
const SECRET_KEYS = set(
  `api access private secret signing sign encryption encrypt decryption decrypt account auth authorization master
  subscription shared license licence storage webhook deploy ssh gpg pgp rsa ssl tls cipher hmac session consumer client
  service admin root functions function app application integration ingest ingestion write rest server webpush vapid
  bearer jwt data aes des auth0 openai anthropic azure gemini google mistral cohere groq huggingface github gitlab stripe
  sendgrid twilio slack datadog sentry maps`,
);
// A word after the secret one that says that this is something about the secret, not the secret.
const ABOUT = set(
  `count counts limit limits type types usage length size budget index name names id ids expires expiry expired expiration
  ttl cost rate source endpoint url uri path file files dir provider arn version policy hint status attempts attempt present
  valid changed age enabled required reset consent domain banner manager kind format algorithm alg per used remaining total
  max min detail details rotation strength method methods scope scopes created updated ms seconds stdin env prompt command
  field fields column label placeholder input page form history rules rule check checks validator service server host port fd
  issuer audience position offset usd price store storage vault ref reference mode state flow error errors message charset
  encoding score in out bucket pool mechanism plugin module handler middleware style encryption through cmd santa manager
  page link button class classes interval timeout lifetime duration duration_ms strategy`,
);
// A word before the secret one that says the same.
const ABOUT_BEFORE = set(
  `has is no not forgot forgotten reset change changed show hide hidden missing invalid wrong needs require requires
  stop eos bos pad unk mask cls sep start end first last next page continuation special cancellation cancel sync prev previous
  unexpected public cached reasoning prompt completion output input max min total num per median mean time image
  audio text system generated lookahead boarding season gpio low high band render single multi tests test palabra`,
);
const ENDINGS =
  /(?:passw(?:or)?[dt]|passphrase|passcode|secrets?|apikeys?|secretkey|accesskey|privatekey|authkey|masterkey|signingkey|encryptionkey|accountkey|sharedkey|licensekey|storagekey|credentials?|authorization|pwd|psw|passkey)$/;
const PASSING = set(
  `bypass compass trespass surpass encompass overpass underpass lowpass highpass bandpass allpass singlepass multipass
  renderpass firstpass`,
);
const MORE_PASS = /^(?:db|admin|user|root|my|ldap|smtp|ftp|mysql|pg|sql|web|app)pw$/;
const NOT_TOKENS = /^(?:non|stop|eos|bos|pad|unk|mask|sep|de)token$/;

/** How secret the value under a key is. */
export function secrecyOf(key: string): KeySecrecy {
  const name = key.slice(-256).replace(INNER_SIGNS, (signs) => signs.replaceAll('@', 'a').replaceAll('$', 's'));
  const isForeign = !ASCII.test(name);
  const words = (isForeign ? name.normalize('NFKC') : name)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z]+)/g, '$1 $2')
    .toLowerCase()
    .split(isForeign ? /[^\p{L}\p{M}\p{N}]+/u : /[^a-z0-9]+/)
    .filter(Boolean);
  if (isForeign) for (let i = 0; i < words.length; i++) words[i] = plain(words[i]!);
  let found: KeySecrecy = isAbroad(words) ? 2 : 0;
  for (let i = 0; i < words.length; i++) {
    const secrecy = ofWord(words, i);
    if (secrecy <= found) continue;
    const after = words[i + 1];
    if (after !== undefined && ABOUT.has(after) && !(after === 'id' && words[i - 1] === 'root')) continue;
    const before = words[i - 1];
    if (before !== undefined && ABOUT_BEFORE.has(before)) continue;
    found = secrecy;
  }
  // `pinCode.length` is no pin; `password.hash.value` still is a secret.
  if (found > 0 && words.length > 2 && LENGTHS.has(words.at(-1)!)) return 0;
  return found;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is what is meant.
const ASCII = /^[\u0000-\u007f]*$/;
const LENGTHS = set('length size count ttl limit expiry expires policy enabled required arn');
/** `p@ssword`, `pa$$word` */
const INNER_SIGNS = /(?<=[a-z])[@$]{1,2}(?=[a-z])/gi;
/** Letters that digits and signs stand for. */
const DIGIT_LETTERS: Record<string, string> = { 0: 'o', 1: 'l', 3: 'e', 4: 'a', 5: 's', 7: 't', $: 's', '@': 'a' };
const SPELT = /^(?:\w{0,12})(?:password|passwort|passwd|passphrase|secret|token|apikey|credential)s?$/;

/** Whether a word is one of these once its digits are read as letters: `p4ssw0rd`. */
function isSpeltWithDigits(word: string): boolean {
  return /\d/.test(word) && SPELT.test(word.replace(/[013457$@]/g, (char) => DIGIT_LETTERS[char]!));
}

function ofWord(words: readonly string[], i: number): KeySecrecy {
  const word = words[i]!.replace(/(?<=[a-z])\d+$/, '');
  const before = words[i - 1];
  if (ALWAYS.has(word) || ABROAD.has(word)) return 2;
  if (ABROAD_USUALLY.has(word)) return 1;
  if (word === 'tokens')
    return before !== undefined && /^(?:auth|access|refresh|bearer|api|session)$/.test(before) ? 1 : 0;
  if ((word === 'key' || word === 'keys') && before !== undefined && SECRET_KEYS.has(before)) return 2;
  // Two words that are one: `pass word`, `pass phrase` as camel case writes them.
  if ((word === 'word' || word === 'phrase' || word === 'code') && before === 'pass') return 2;
  if (word === 'phrase' && (before === 'seed' || before === 'recovery')) return 2;
  if (word === 'code' && before !== undefined && SECRET_CODES.has(before)) return 2;
  if (word === 'number' && before === 'security' && words[i - 2] === 'social') return 2;
  if (word === 'signature' && before === 'access') return 2;
  if (word === 'token' && before !== undefined && SECRET_CODES.has(before)) return 2;
  if (USUALLY.has(word)) return 1;
  if (word === 'auth') return i === words.length - 1 || AUTH_PARTS.has(words[i + 1]!) ? 1 : 0;
  if (word === 'sid') return before === 'connect' ? 2 : 0;
  if (MORE_PASS.test(word)) return 1;
  if (word.length < 5) return word.length === 4 && word.endsWith('pwd') ? 2 : 0;
  if (ENDINGS.test(word) || word.startsWith('password') || isSpeltWithDigits(words[i]!)) return 2;
  if (word.startsWith('secret') && !/^secret(?:ar|i|ly|s?manager)/.test(word)) return 1;
  if (word.endsWith('token')) return NOT_TOKENS.test(word) ? 0 : 1;
  if (word.endsWith('pass')) return PASSING.has(word) ? 0 : 1;
  return 0;
}

const SECRET_CODES = set('mfa totp otp 2fa verification recovery backup security authorization pin');
const AUTH_PARTS = set('header headers string data value values cookie pass code info password');

/** What stands under a key that only may be a secret, and is none: a switch, the name of a scheme, a state. */
export function isHarmless(value: string): boolean {
  return HARMLESS.test(value);
}

const HARMLESS =
  /^(?:|true|false|yes|no|on|off|none|null|nil|undefined|n\/a|basic|bearer|oauth2?|jwt|saml2?|oidc|openid|scram-sha-\d+|md5|bcrypt|argon2(?:id|i|d)?|digest|ntlm|kerberos|negotiate|plain|login|token|password|api[-_ ]?key|mtls|required|optional|valid|invalid|incorrect|wrong|expired|missing|empty|ok|failed|failure|denied|success|succeeded|passed|skipped|include|omit|same-origin|\d{1,7})$/i;
