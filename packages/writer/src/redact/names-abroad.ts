// What other languages than English call a password, a secret or a pin. Accents are left out, as in `secrecyOf`.

const set = (words: string) => new Set(plain(words).split(/\s+/));

/** The same letters without accents and in small, full-width ones as usual ones. */
export function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/ł/g, 'l')
    .replace(/ı/g, 'i')
    .replace(/ø/g, 'o')
    .replace(/ß/g, 'ss');
}

/** Words that are one of these are names of secrets. */
export const ABROAD = set(
  `contrasena contrasenas contrasenia contrasenya palavrapasse senha senhas segredo kennwort kennworter geheim geheimnis
  geheimzahl zugangsdaten motdepasse mdp segreto parolachiave wachtwoord wachtwoorden toegangscode losenord adgangskode
  kodeord passord salasana haslo hasla heslo hesla jelszo sifre lozinka zaporka geslo slaptazodis katasandi katalaluan
  matkhau пароль пароли паролем парола лозинка шифр ключ пінкод пинкод κωδικος συνθηματικο סיסמה סיסמא`,
);
/** Words that mean something else too. */
export const ABROAD_USUALLY = set('clave claves parola parool parole sandi kodas');
/** Words of languages that put no space between words. */
const JOINED = new RegExp(
  `(?:${[
    '密码',
    '密碼',
    '口令',
    '密钥',
    '密鑰',
    '秘钥',
    '令牌',
    '验证码',
    '驗證碼',
    'パスワード',
    '暗証番号',
    '秘密鍵',
    'トークン',
    '비밀번호',
    '패스워드',
    '암호',
    '토큰',
    'รหัสผ่าน',
    'पासवर्ड',
  ]
    .map(plain)
    .join('|')})$`,
);
/** Names of several words; the words joined. */
const SEVERAL =
  /(?:mot(?:s)?depasse|palavra(?:s)?passe|palavradepasse|parola(?:s)?dordine|passwordhash|katasandi|matkhau|clave(?:de)?acceso|clavesecreta|claveprivada|claveapi|clesecrete|cleprivee|cleapi|chiaveapi|chiavesegreta|chiaveprivata|chaveapi|chavesecreta|chaveprivada|apischlussel|geheimschlussel|zugangscode|كلمةالمرور|كلمةالسر|رمزعبور)$/;

/** Whether a name that is no English word for it ends in one of a secret. @param words In the form of `plain`. */
export function isAbroad(words: readonly string[]): boolean {
  return JOINED.test(words.at(-1) ?? '') || (words.length <= 6 && SEVERAL.test(words.join('')));
}

/** Beginnings of these names that are written in ASCII, by which a text is recognized. */
export const TRIGGERS =
  `contrase senha segredo kennwort geheim zugangs motdepasse mot_de_passe mot-de-passe mot de passe wachtwoord toegangscode
  losenord adgangskode kodeord passord salasana haslo heslo jelszo sifre lozinka zaporka slaptazod katasandi kata_sandi kata sandi matkhau mat_khau
  palavra-passe palavra_passe palavra_de_passe clave_secreta clave_privada clave_api api_schlussel`
    .replace(/mot de passe|kata sandi/g, (phrase) => phrase.replaceAll(' ', '\u0000'))
    .split(/\s+/)
    .map((word) => word.replaceAll('\u0000', ' '));
/** Short or ambiguous ones. */
export const SHORT_TRIGGERS = 'mdp clave claves parola parool sandi geslo'.split(' ');
