// Whether a word after `password` or `password is` is the password, or goes on with a sentence about one.

const set = (words: string) => new Set(words.split(/\s+/));

/** What a sentence goes on with: articles, prepositions, adverbs, states, and nouns that `password` stands before. */
const ABOUT_PASSWORDS = set(
  `a an the this that these those my your his her its our their any no not never always also still already only just now then
  here there what which who how when where why if so as at by for from in into of off on or and but to with without than too very
  yet once again both all each every some such same other more most less least one two three be been being is are was were will
  would can could may might must shall should do does did has have had it he she they we you i out up down over under part
  sent kept set held known shown built read lost hidden written chosen given taken stolen found left put made done
  gone broken unknown forgotten bad good weak strong long short old new empty blank null nil none undefined missing wrong correct
  incorrect right valid invalid secure insecure safe unsafe private public secret plain plaintext cleartext text clear case unique
  different equal identical same similar simple complex random optional mandatory necessary needed ok okay fine yes true false
  available unavailable ready present absent active inactive acceptable easy hard impossible possible due about like unlike
  authentication authorization auth login logon signin signup reset resets recovery change changes changer policy policies field
  fields form forms page pages link links email emails manager managers management hash hashes hashing encryption protection
  prompt prompts input inputs box file files grant flow flows type types value values string strings length strength format
  attempt attempts history rotation rules rule requirement requirements check checks checker checking validation validator
  verification verify confirmation confirm mismatch match matches generator generation update updates updater expiry expiration
  expires age hint hints question questions storage store vault safe saver database db table column columns entry entries
  parameter parameters param argument arguments option options variable variables setting settings env credentials credential
  combination combinations pair pairs list lists dump dumps leak leaks breach breaches spray spraying guess guesses guessing
  cracking cracker attack attacks brute failure failures error errors exception success provider providers service services server
  api endpoint handler handlers middleware module method methods mechanism plugin protocol scheme source user users username name
  id ids account accounts group hasher encoder encoding service characters character chars char digits letters symbols words bytes
  lines times days hours weeks months minutes seconds here below above again instead please help forgot request requests response
  responses message messages notification notifications screen dialog modal button label placeholder toggle visibility security
  access only based less free grants salt salts pepper minimum maximum min max size limit limits count complexity quality meter
  tip tips advice guide guidelines best practice practices example examples sample samples test tests testing yesno n/a
  first last next previous current temporary default initial master root admin's user's someone anyone everyone nobody nothing
  something anything everything himself itself incorrectly correctly supplied wrongly exactly between after before during until unset continue proceed log sign connect enter get view see use open start begin finish protect prevent avoid enable download edit
  bcrypt scrypt argon2 argon2id pbkdf2 md5 varchar boolean integer number
  since while because unless although though via per against across through within sync syncing cookie cookies session sessions
  token tokens key keys code codes pin pins otp phrase phrases secrets file-based`,
);
/** The same in other languages. */
const ABROAD = set(
  `falsch richtig ungültig gültig abgelaufen leer erforderlich zurücksetzen geändert vergessen nicht zu kurz schwach das der die ein
  incorrect incorrecte invalide requis requise expiré vide oublié faible trop obligatoire valide pas le la un une
  incorrecto incorrecta inválido inválida requerido requerida vacía vacío débil válida obligatoria obligatorio muy el es no
  errata errato sbagliata sbagliato scaduta scaduto richiesta richiesto non valida debole vuota troppo il
  onjuist ongeldig verlopen verplicht leeg niet te vereist correct fout een het de incorreta incorreto obrigatória obrigatório expirada
  vazia muito fraca não`,
);
const GRAMMAR =
  /(?:[^aeiou]ed|[aeiou]ted|[aeiou]red|[aeiou]ded|ing|able|ible|ful|less|ous|ally|ently|antly|ately|tion|tions|ment|ments|ness|ity|ities|rs?'s)$/;

/** A word that may be a password and is more likely none. @param word Without punctuation around it. */
export function isOfSentence(word: string): boolean {
  const lower = word.toLowerCase();
  if (ABOUT_PASSWORDS.has(lower) || ABROAD.has(lower)) return true;
  if (/^[a-z]+-[a-z-]+$/.test(lower))
    return lower.split('-').some((part) => ABOUT_PASSWORDS.has(part) || GRAMMAR.test(part));
  return /^\p{L}+(?:['’]\p{L}+)?$/u.test(lower) && (lower.length < 4 || GRAMMAR.test(lower));
}
