// Passwords in command lines: after the options and at the places at which programs take them, and in what is piped to them.
import { type Found, match } from './match.ts';
import { isPlaceholder } from './placeholders.ts';

const VALUE_END = /[\s"'`\u007f]|$/g;

/**
 * Options of programs whose value is a password, where no name says so. `-p` takes it attached or as the next word, `-p=` only
 * attached, `-p!` only as the next word; of `-u:` the value is `user:password`.
 */
const OPTIONS: Record<string, string> = {
  curl: '-u: -U: --user: --proxy-user: -b --cookie --oauth2-bearer',
  mysql: '-p=',
  mariadb: '-p=',
  sshpass: '-p',
  'redis-cli': '-a',
  mongo: '-p!',
  docker: '-p',
  podman: '-p',
  nerdctl: '-p',
  buildah: '-p',
  helm: '-p!',
  crane: '-p!',
  oras: '-p!',
  ldapsearch: '-w',
  ldapwhoami: '-w',
  ldapadd: '-w',
  ldapmodify: '-w',
  ldapdelete: '-w',
  ldapcompare: '-w',
  ldapmodrdn: '-w',
  ldappasswd: '-w -s -a',
  smbclient: '-U:',
  rpcclient: '-U:',
  sqlcmd: '-P',
  bcp: '-P',
  tsql: '-P',
  isql: '-P',
  osql: '-P',
  az: '-p!',
  lftp: '-u:',
  http: '-a:',
  https: '-a:',
  xh: '-a:',
  skopeo: '--creds: --src-creds: --dest-creds:',
  '7z': '-p=',
  '7za': '-p=',
  rar: '-p= -hp=',
  unrar: '-p=',
  zip: '-P',
  unzip: '-P',
  snowsql: '-p!',
  openssl: '-k! -K!',
  cqlsh: '-p!',
  psexec: '-p!',
  ipmitool: '-P',
  useradd: '-p!',
  usermod: '-p!',
  mosquitto: '-P! --pw',
  keytool: '-storepass -keypass -srcstorepass -deststorepass',
  'ssh-keygen': '-N! -P!',
  influx: '-password',
  wget: '--http-passwd --proxy-passwd',
  snmpwalk: '-c! -A! -X!',
  snmpget: '-c! -A! -X!',
  ncftp: '-p!',
  cadaver: '-p!',
};
/** Programs that take their subcommand first: without it their option means something else. */
const LOGIN = /^(?:docker|podman|nerdctl|buildah|crane|oras|helm|az)$/;

interface Option {
  attached: boolean;
  separate: boolean;
  isLogin: boolean;
}

const TABLE = new Map<string, Map<string, Option>>();
for (const [program, options] of Object.entries(OPTIONS)) {
  const known = new Map<string, Option>();
  for (const option of options.split(' ')) {
    const mark = /[=!:]$/.exec(option)?.[0];
    const name = mark ? option.slice(0, -1) : option;
    known.set(name, { attached: mark !== '!' && name.length <= 3, separate: mark !== '=', isLogin: mark === ':' });
  }
  TABLE.set(program, known);
}
export const PROGRAMS = [...TABLE.keys()];

const OPTION = /-{1,2}[A-Za-z][A-Za-z0-9-]{0,30}/y;
const NEXT = /(?:["'],?\s{0,4}["']?|,[ \t]{1,4}["']?|[=\s\u007f]\s{0,4}["'`]?)/y;
const CLUSTER = /^-[fsSkLvigINn#0-9]{1,8}([uUb])$/;

/** The password that follows an option of a program. @param at Where the option begins. */
export function afterOption(text: string, at: number, program: string, since: number): Found {
  const known = TABLE.get(program)!;
  if (LOGIN.test(program) && !/\blogin\b/.test(text.slice(since, Math.min(at, since + 200)))) return undefined;
  const name = match(OPTION, text, at)?.[0];
  if (name === undefined) return undefined;
  const cluster = program === 'curl' ? CLUSTER.exec(name)?.[1] : undefined;
  const whole = known.get(cluster ? `-${cluster}` : name);
  if (whole?.separate) {
    const next = match(NEXT, text, at + name.length);
    if (next) return value(text, at + name.length + next[0].length, whole.isLogin);
  }
  if (name.startsWith('--')) return undefined;
  for (const letters of [2, 3]) {
    const option = known.get(text.slice(at, at + letters));
    if (option?.attached && letters <= name.length && /[^\s\u007f]/.test(text[at + letters] ?? ' ')) {
      if (
        /["'],?/.test(text[at + letters]!) &&
        /[\s,\]\u007f]|$/.test(text[at + letters + 1] ?? ' ') &&
        letters === name.length
      ) {
        if (/^["'][\s,\]]/.test(text.slice(at + letters, at + letters + 2))) return undefined;
      }
      return value(text, at + letters + (/["'=]/.test(text[at + letters]!) ? 1 : 0), option.isLogin);
    }
  }
  return undefined;
}

function value(text: string, from: number, isLogin: boolean): Found {
  const before = text[from - 1] ?? '';
  const quote = /["'`]/.test(before) ? before : undefined;
  const end = quote ? text.indexOf(quote, from) : match(VALUE_END, text, from)!.index;
  const to = end < 0 ? text.length : end;
  const found = text.slice(from, Math.min(to, from + 300));
  if (found === '' || found.startsWith('-') || isPlaceholder(found)) return undefined;
  if (!isLogin) return [from, to];
  const cut = found.search(/[:%,]/);
  return cut < 0 || cut === found.length - 1 ? undefined : [from + cut + 1, to];
}

/** Commands that take a password at a place of its own: the pattern's last group is what stands there. */
const PLACES: Record<string, RegExp> = {
  'vault login': /\s{1,4}(?:-[\w-]{1,40}(?:=\S{1,100})?\s{1,4}){0,6}(?:token=)?([^\s-][^\s]{3,})/y,
  'rabbitmqctl ': /(?:add_user|change_password|authenticate_user)\s{1,4}\S{1,100}\s{1,4}(\S{1,200})/y,
  'htpasswd ':
    /(?:-\w{1,10}\s{1,4}){0,4}-\w{0,6}b\w{0,6}\s{1,4}(?:-\w{1,10}\s{1,4}){0,4}(?:[^\s;|&]{1,100}\s{1,4}){1,2}?([^\s;|&]{1,200})(?=\s{0,4}(?:$|[\n;|&\u007f]))/y,
  'net user ': /\s{0,4}[^\s/]{1,100}\s{1,4}([^\s/*][^\s]{0,200})/y,
  'net use ':
    /(?:[^\n]{0,200}?\/user:\S{1,100}\s{1,4}|[^\s/]{1,3}\s{1,4}\\{1,2}\S{1,200}\s{1,4})([^\s/*][^\s]{0,200})/iy,
  'rclone config ': /[^\n]{1,200}?\spass\s{1,4}(\S{1,200})/y,
  'gh secret set ': /[^\n]{1,200}?\s(?:--body|-b)[ =]([^\s]{1,300})/y,
  'nmcli ': /[^\n]{1,200}?\spassword\s{1,4}(\S{1,200})/y,
  'wpa_passphrase ': /\S{1,64}\s{1,4}(\S{1,200})/y,
  'iwconfig ': /[^\n]{1,100}?\skey\s{1,4}(?:s:)?(\S{1,200})/y,
  'consul kv put ': /\S{0,100}(?:pass|secret|token|key)\S{0,20}\s{1,4}(\S{1,300})/y,
};
export const PLACED = Object.keys(PLACES);

/** @param at After the command. */
export function afterCommand(command: string, text: string, at: number): Found {
  const found = match(PLACES[command]!, text, at);
  if (!found || isPlaceholder(found[1]!)) return undefined;
  const to = at + found[0].length;
  return [to - found[1]!.length, to];
}

/** What reads a password from its input. A text of these words is looked at as a whole. */
export const READERS =
  `password-stdin|-stdin|/dev/stdin|pass stdin|passin stdin|--with-token|sudo -|chpasswd|passwd --stdin|smbpasswd|cryptsetup |kinit |passphrase-fd|htpasswd -i|create secret|secret create|secret set|secret put|secrets set|secrets put|docker login|podman login|vault login|registry login|gh auth login|bw unlock|su -c`.split(
    '|',
  );
const PIPED =
  /(?:^|[;&|({\s])(?:echo|printf)[ \t]{1,4}((?:-[neE]{1,3}[ \t]{1,4}){0,2}(?:(?:"[^"\n]{0,8}%[^"\n]{0,8}"|'[^'\n]{0,8}%[^'\n]{0,8}'|%s)[ \t]{1,4})?)([^|]{1,200})$/;
const HERE = /^[^\n|;<]{0,200}<<<[ \t]{0,4}(?:"([^"\n]{1,200})"|'([^'\n]{1,200})'|([^\s;|&]{1,200}))/;

/** What is piped to a program that reads a password. @param from Where to look from, on the same line. @param at The program. */
export function pipedTo(text: string, from: number, at: number): Found {
  const line = text.slice(from, at);
  // The pipe right before the command.
  const pipe = line.lastIndexOf('|');
  if (pipe > 0) {
    const made = PIPED.exec(line.slice(Math.max(0, pipe - 300), pipe));
    if (made) {
      const said = made[2]!.trimEnd();
      const start = from + Math.max(0, pipe - 300) + made.index + made[0].length - made[2]!.length;
      const isQuoted = said.length > 2 && /^(["']).*\1$/s.test(said);
      const value = isQuoted ? said.slice(1, -1) : said;
      if (value !== '' && !isPlaceholder(value))
        return isQuoted ? [start + 1, start + said.length - 1] : [start, start + said.length];
    }
  }
  const here = HERE.exec(text.slice(at, at + 420));
  const value = here?.[1] ?? here?.[2] ?? here?.[3];
  if (!here || value === undefined || isPlaceholder(value)) return undefined;
  const end = at + here[0].length - (here[3] === undefined ? 1 : 0);
  return [end - value.length, end];
}
