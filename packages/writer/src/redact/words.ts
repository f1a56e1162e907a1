// The words beside which a secret may stand, and how to look further at each.
import { Automaton, FOREIGN, WIDE_SIGNS } from './automaton.ts';
import { PLACED, PROGRAMS, READERS } from './commands.ts';
import { IN_BASE64, manifestData, privatePart, puttyLines } from './encoded.ts';
import { type Found, ITEM, match } from './match.ts';
import { SHORT_TRIGGERS, TRIGGERS } from './names-abroad.ts';
import { afterScheme, inAddress, inOracle, privateKey } from './places.ts';
import { valueBefore } from './reversed.ts';
import { codeBefore, saidCode } from './said.ts';
import { SECRET_PATHS, SHAPES } from './shapes.ts';
import {
  afterAuth,
  afterAuthenticate,
  afterIdentified,
  afterLogin,
  afterPass,
  afterQuestion,
  afterSetUser,
  inCall,
  inCrypt,
  inLogin,
  inPgpass,
  inRowset,
} from './statements.ts';
import type { Scan } from './text.ts';

/** A word after which a text has to be looked at as a whole. */
export const SUSPICIOUS = 2;
/** A word that only means something in a text that is looked at. */
export const OF_INTEREST = 1;

type Look = (scan: Scan, start: number, end: number) => Found;

export const WORDS: (readonly [word: string, rank: number])[] = [];
export const LOOKS: Look[] = [];

function watch(word: string, rank: number, look: Look): void {
  WORDS.push([word, rank]);
  LOOKS.push(look);
  // The tracer asks whether a span's attributes are suspicious when they are JSON already.
  const escaped = JSON.stringify(word).slice(1, -1);
  if (rank === SUSPICIOUS && escaped !== word) {
    WORDS.push([escaped, rank]);
    LOOKS.push(() => undefined);
  }
}

const FLAGS = /(?:-\w{1,10}\s{1,4}){0,4}["']?/y;

const split = (words: string) => words.split(/\s+/);
const byName: Look = (scan, start, end) => scan.named(start, end);

for (const word of [
  ...split(
    `passw passphrase passcode pwd secret token credential creds authorization cookie apikey mnemonic sessid sessionid nonce jwt
    csrf xsrf requirepass masterauth pass_word pass-word pswd psswd pword paswd pasword storepass keypass bindpw rootpw
    p4ss pa55w p@ss pa$$ passw0rd s3cr secr3t t0ken tok3n seedphrase seed_phrase recovery_phrase passkey mfa_code
    recovery_code verification_code verificationcode backup_code securitycode security_code social_security access_signature
    accesssignature key-data key_data keydata totp_code totpcode otp_code otpcode mfa_token 2fa_code`,
  ),
  'pass word',
  ...TRIGGERS,
]) {
  watch(word, SUSPICIOUS, byName);
}
const SEPARATORS = ['=', ':', '"', "'", '%', '>', '\\', ')', '&quot', '&#', ' =', ' :', '\n', '\t', ITEM, ' <<<'];
// Short ones, or parts of many words: only before what separates a name from its value.
for (const word of [
  ...split(
    'key keys auth pass pin otp pw sig signature cvv cvc ssn sid appid code sas bearer psk psw salt pepper totp',
  ),
  ...SHORT_TRIGGERS,
]) {
  for (const after of SEPARATORS) {
    if (word !== 'code' || after === '=')
      watch(word + after, SUSPICIOUS, (scan, start) => scan.named(start, start + word.length));
  }
}
for (const char of FOREIGN) {
  for (const after of ['=', ':', ' =', ' :', '":', "':", '\\":', '" :', '"=', "' =>", '&quot;:', ITEM])
    watch(char + after, SUSPICIOUS, (scan, start) => scan.named(start, start + 1));
}
// `lösenord`, `şifre`, `hasło`: what stands after the letter that is none of ASCII.
for (const char of FOREIGN) {
  for (const rest of ['senord', 'ifre']) watch(char + rest, SUSPICIOUS, byName);
  for (const after of SEPARATORS) watch(`${char}o${after}`, SUSPICIOUS, (scan, start) => scan.named(start, start + 2));
}
for (const sign of WIDE_SIGNS) watch(sign, SUSPICIOUS, () => undefined);
for (const word of ['-key ', '-auth ', '-pass ', '-pin ', '-otp ', '-pw ', '_key ', '_pass ', '_auth ']) {
  watch(word, SUSPICIOUS, (scan, start, end) => scan.named(start, end - 1));
}
for (const scheme of split('bearer basic token apikey negotiate splunk key')) {
  const rank = scheme === 'key' || scheme === 'token' ? OF_INTEREST : SUSPICIOUS;
  for (const after of [' ', '+', '%20', ITEM]) {
    watch(scheme + after, rank, (scan, start) => afterScheme(scan.text, start, start + scheme.length, scheme));
  }
}
watch('@', SUSPICIOUS, (scan, start) => scan.userOf(start));
watch('://', OF_INTEREST, (scan, _, end) => inAddress(scan.text, end));
watch(':1521', SUSPICIOUS, (scan, start) => {
  const from = Math.max(0, start - 240);
  const found = /(?:^|[\s"'=])[\w$#]{1,64}\/([^\s@"'`/]{1,128})@[\w.-]{1,100}$/.exec(scan.text.slice(from, start));
  return scan.also(
    found
      ? [
          from + found[0].lastIndexOf('/') + found.index + 1,
          from + found[0].lastIndexOf('/') + found.index + 1 + found[1]!.length,
        ]
      : undefined,
  );
});
watch('"method":"login"', SUSPICIOUS, (scan, _, end) =>
  after(scan.text, end, /\s{0,4},\s{0,4}"params"\s{0,4}:\s{0,4}\[\s{0,4}"[^"]{0,128}"\s{0,4},\s{0,4}"([^"]{1,300})/y),
);
for (const name of [
  'pdo(',
  'pdo->__construct(',
  'mysqli_connect(',
  'mysqli(',
  'pymysql.connect(',
  'mysqldb.connect(',
  'sequelize(',
])
  watch(name, SUSPICIOUS, (scan, _, end) =>
    after(scan.text, end, /\s{0,4}(?:["'][^"'\n]{0,200}["']\s{0,4},\s{0,4}){2}["']([^"'\n]{1,300})/y),
  );
watch('/p:', SUSPICIOUS, (scan, start, end) =>
  /^$|[\s"']$/.test(scan.text.slice(Math.max(0, start - 1), start)) &&
  /\/u:/i.test(scan.text.slice(Math.max(0, start - 100), end + 200))
    ? after(scan.text, end, /(\S{1,200})/y)
    : undefined,
);
for (const word of ['credentials', 'creds'])
  watch(word, SUSPICIOUS, (scan, _, end) =>
    after(
      scan.text,
      end,
      /(?:\s{1,4}(?:are|were|is)|\s{0,4}[:=])\s{1,4}[\w.@+-]{1,64}\s{0,2}[:/]\s{0,2}([^\s"'`<>/]{4,200}?)(?=[.,;)]?(?:\s|$))/y,
    ),
  );
watch('jdbc:oracle:', SUSPICIOUS, (scan, _, end) => inOracle(scan.text, scan.text.indexOf(':', end) + 1));
watch('sqlplus ', SUSPICIOUS, (scan, _, end) => inOracle(scan.text, end + match(FLAGS, scan.text, end)![0].length));
for (const port of [':5432:', ':5433:', ':6432:', ':6543:', ':*:'])
  watch(port, SUSPICIOUS, (scan, _, end) => inPgpass(scan.text, end));

watch('user.info=', SUSPICIOUS, (scan, _, end) => after(scan.text, end, /[^\s:]{1,128}:([^\s\u007f]{1,300})/y));
watch('<master>', SUSPICIOUS, (scan, _, end) => after(scan.text, end, /([^\s<]{4,500})(?=<)/y));

// Statements and protocols.
watch('identified', SUSPICIOUS, (scan, _, end) => afterIdentified(scan.text, end));
for (const name of split(
  'crypt pgp_sym_encrypt pgp_sym_decrypt hmac digest encode_password encryptbypassphrase aes_encrypt',
)) {
  watch(`${name}(`, SUSPICIOUS, (scan, start, end) =>
    name === 'crypt' && /\w/.test(scan.text[start - 1] ?? '') ? undefined : inCrypt(scan.text, end - 1),
  );
}
for (const name of ['aes_decrypt(', 'des_encrypt(', 'des_decrypt(', 'decryptbypassphrase('])
  watch(name, SUSPICIOUS, (scan, _, end) => inCrypt(scan.text, end - 1));
for (const name of [
  'bcrypt.hash(',
  'bcrypt.hashsync(',
  'bcrypt.compare(',
  'bcrypt.comparesync(',
  'bcrypt.hashpw(',
  'argon2.hash(',
])
  watch(name, SUSPICIOUS, (scan, _, end) => after(scan.text, end, /\s{0,4}b?["']([^"'\n]{1,300})/y));
for (const name of ['sp_addlogin', '.auth(']) watch(name, SUSPICIOUS, (scan, _, end) => inCall(scan.text, end));
for (const name of [
  'basicauth(',
  'credential(',
  'credentials(',
  'login(',
  'authenticate(',
  '.basic(',
  'signin(',
  'sign_in(',
  'auth=(',
  'auth = (',
  'login_user(',
  'getconnection(',
])
  watch(name, SUSPICIOUS, (scan, _, end) => inLogin(scan.text, end));
for (const name of ['jwt.sign(', 'jwt.verify(', 'jwt.encode(', 'hmac.new(', 'createhmac('])
  watch(name, SUSPICIOUS, (scan, _, end) => inCrypt(scan.text, end));
watch('convertto-securestring ', SUSPICIOUS, (scan, _, end) =>
  after(scan.text, end, /(?:-\w+\s+){0,3}["']([^"']{1,300})/y),
);
watch('auth-pass ', SUSPICIOUS, (scan, _, end) => after(scan.text, end, /\S{1,64}\s{1,4}(\S{1,300})/y));
for (const command of [
  'enable secret ',
  'enable password ',
  'snmp-server community ',
  'radius-server key ',
  'tacacs-server key ',
])
  watch(command, SUSPICIOUS, (scan, _, end) => after(scan.text, end, /(?:\d )?([^\s\u007f]{4,300})(?=$|\s)/y));
watch(': psk ', SUSPICIOUS, (scan, _, end) => after(scan.text, end, /["']([^"'\n]{1,300})/y));
watch('basic_auth ', SUSPICIOUS, (scan, _, end) =>
  after(scan.text, end, /["']?[\w.@-]{1,64}(?::|[ \t])["']?([^\s"'\u007f]{4,300})/y),
);
watch('mnemonic', SUSPICIOUS, (scan, _, end) => phrase(scan.text, end));
for (const name of ['seed phrase', 'recovery phrase', 'seed words', 'backup phrase'])
  watch(name, SUSPICIOUS, (scan, _, end) => phrase(scan.text, end));
watch(' on >', SUSPICIOUS, (scan, _, end) => after(scan.text, end, /([^\s\u007f]{1,300})/y));
watch('sp_password', SUSPICIOUS, (scan, _, end) => inCrypt(scan.text, end));
watch('openrowset(', SUSPICIOUS, (scan, _, end) => inRowset(scan.text, end));
watch('pragma key', SUSPICIOUS, (scan, _, end) => after(scan.text, end, /\s{0,4}=\s{0,4}["']([^"']{1,300})/y));
for (const quote of ["'", '"']) {
  watch(` key ${quote}`, SUSPICIOUS, (scan, start, end) =>
    /\battach\b/i.test(scan.text.slice(Math.max(0, start - 300), start))
      ? after(scan.text, end, /([^"']{1,300})/y)
      : undefined,
  );
}
for (const end of [' ', '\t', '\n', '\r', ITEM, '" ', '2 '])
  watch(`auth${end}`, SUSPICIOUS, (scan, start, to) => afterAuth(scan.text, start, end === '2 ' ? to - 1 : start + 4));
watch('acl setuser ', SUSPICIOUS, (scan, _, end) => afterSetUser(scan.text, end));
watch('authenticate ', SUSPICIOUS, (scan, _, end) => afterAuthenticate(scan.text, end - 1));
watch('334 ugfzc3dvcmq6', SUSPICIOUS, (scan, _, end) => afterQuestion(scan.text, end));
watch(' login ', SUSPICIOUS, (scan, start, end) => afterLogin(scan.text, start + 1, end - 1));
for (const word of ['pass ', 'identify ']) {
  watch(word, SUSPICIOUS, (scan, start, end) => afterPass(scan.text, start, end - 1));
}

// Files.
watch('-----begin ', SUSPICIOUS, (scan, start) => privateKey(scan.text, start));
watch('---- begin ', SUSPICIOUS, (scan, start) => privateKey(scan.text, start));
watch('private-lines', SUSPICIOUS, (scan, _, end) => puttyLines(scan.text, end));
watch('"kty"', SUSPICIOUS, () => undefined);
for (const part of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'])
  watch(`"${part}"`, OF_INTEREST, (scan, _, end) => (scan.isWebKey() ? privatePart(scan.text, end) : undefined));
for (const name of ['data:', 'data"', 'stringdata:', 'stringdata"'])
  watch(name, OF_INTEREST, (scan, _, end) => (scan.isManifest() ? manifestData(scan.text, end - 1) : undefined));
for (const name of ['value"', "value'", 'value:']) watch(name, OF_INTEREST, (scan, start) => valueBefore(scan, start));
for (const word of IN_BASE64) watch(word, SUSPICIOUS, (scan, start, end) => scan.base64(start, end));

// Sentences.
for (const word of split(
  'verification security confirmation authentication login one-time access 2fa mfa otp backup recovery sms pairing activation unlock',
))
  watch(
    `${word} code`,
    SUSPICIOUS,
    (scan, start, end) => saidCode(scan.text, end) ?? scan.also(codeBefore(scan.text, start)),
  );
for (const word of ['api', 'secret', 'access', 'private', 'license', 'encryption', 'signing', 'master'])
  watch(`${word} key is `, SUSPICIOUS, (scan, _, end) => scan.named(end - 7, end - 4));
for (const word of ['otp', 'pin', 'totp', 'passkey', 'pw'])
  watch(`${word} is `, SUSPICIOUS, (scan, start) => scan.named(start, start + word.length));

// Commands.
for (const program of PROGRAMS) {
  for (const after of program.length > 4 ? [''] : [' ', ITEM, '"', "'", ',']) {
    watch(program + after, SUSPICIOUS, (scan, start) => scan.program(program, start));
  }
}
for (const before of [' ', ITEM, '"', "'"]) watch(`${before}-`, OF_INTEREST, (scan, _, end) => scan.option(end - 1));
for (const command of PLACED) watch(command, SUSPICIOUS, (scan, _, end) => scan.command(command, end));
for (const reader of READERS) watch(reader, SUSPICIOUS, (scan, start, end) => scan.reader(start, end));

// Shapes.
for (const path of SECRET_PATHS)
  watch(path, SUSPICIOUS, (scan, _, end) => after(scan.text, end, /([^\s"'<>?#\u007f]{8,})/y));
for (const { anchor, before, upTo, pattern } of SHAPES) {
  const strict = anchor.length <= 4;
  watch(anchor, SUSPICIOUS, (scan, start) => {
    let from = start - before;
    if (upTo) for (from = start; start - from < before && isAlphanumeric(scan.text.charCodeAt(from - 1)); ) from--;
    if (from < 0 || (upTo && from === start) || !scan.isStart(from, strict)) return undefined;
    const found = match(pattern, scan.text, from);
    return found ? [from, from + found[0].length] : undefined;
  });
}
// Encodings of text in text.
for (const word of [
  '%3d',
  '%3a',
  '%22',
  '%27',
  '%40',
  '%25',
  '%2b',
  '&quot',
  '&#3',
  '&#6',
  '&#x',
  '\\u00',
  '\\x2',
  '\\x3',
  'eyj',
])
  watch(word, SUSPICIOUS, () => undefined);

const PHRASE = /["']?[ \t]{0,4}(?:is|=|:)?[ \t]{0,4}["']?((?:[a-z]{3,8}[ ,]{1,2}){11,23}[a-z]{3,8})/iy;

/** The words of a wallet. */
function phrase(text: string, at: number): Found {
  return after(text, at, PHRASE);
}

function after(text: string, at: number, pattern: RegExp): Found {
  const found = match(pattern, text, at);
  return found ? [found.index + found[0].length - found[1]!.length, found.index + found[0].length] : undefined;
}

export function isAlphanumeric(unit: number): boolean {
  const small = unit | 0x20;
  return (unit >= 0x30 && unit <= 0x39) || (small >= 0x61 && small <= 0x7a);
}

let automaton: Automaton | undefined;

/** Of all words; made when it is first needed, because it takes some milliseconds. */
export function words(): Automaton {
  automaton ??= new Automaton(WORDS);
  return automaton;
}
