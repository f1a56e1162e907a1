// How the values of names are written. Each pattern is sticky or global, and none can go back over what it has passed.

export const CLOSE = /["'`*\])]{0,3}/y;
export const SEPARATOR = /[ \t]{0,8}(=>|:=|={1,3}|!={1,2}|<-|:|->)[ \t]{0,8}/y;
/** Between the quoted name of a member and its value, on lines of their own. */
export const SPREAD = /\s{0,8}(:)\s{0,8}(?=["'])|(;)s:\d{1,9}:(?=")/y;
/** `name: String = `, `name string = `, `name string(7) `, and the tags, anchors and lengths of YAML and PHP. */
export const TYPED =
  /(?::[ \t]{0,4}|[ \t]{1,4})(?:&?(?:'\w{1,20} )?(?:str|String|string|char|CharSequence|text|SecretStr|Optional\[str\]|const|varchar|bytes|\[\]byte)\b(?:\[\]|\?|\(\d{1,6}\))?)[ \t]{0,4}(:?=)[ \t]{0,4}(?=["'`])/y;
/** How one begins: most names are followed by no type. */
export const TYPES = /^:?[ \t]{0,4}[&sStTcCOvb[]/;
export const TAGGED = /(?:!![a-z]{1,12}|![A-Za-z]{1,20}|&[\w-]{1,40}|string\(\d{1,9}\)|s:\d{1,9}:)[ \t]{0,4}/y;
export const OPEN = /(?:[NEbru]|\[\](?:string|byte)\{|\[{1,2}|\()?(?:"""|'''|["'`])?/y;
/** Calls that are given the secret, as opposed to those that get it from somewhere. */
export const WRAPPED =
  /(?:md5|sha1|sha2|sha256|sha512|sha|crypt|password|old_password|encrypt|hash|hashbytes|some|just|ok|secretstr|secret|string|str|new string|string::from|bytes|buffer\.from|optional\.of|value|to_base64|unhex|lower|trim|concat|encode|base64)\((?:['"](?:sha\w{0,8}|md5)['"],\s{0,4})?N?["'`]/iy;
export const OPENS = new Set('NEbru[("\'`');
export const QUOTES = new Set('"\'`');
export const PAIR =
  /["'`]?\s{0,8},\s{0,8}(?:["']\w{1,32}["']\s{0,4}:\s{0,4}(?:"[^"]{0,64}"|[\w.]{1,20})\s{0,4},\s{0,8}){0,3}(?:["'`]?(?:\w{0,16}value|val|content|secret|data|default)["'`]?\s{0,4}[:=]\s{0,4})?[bNu]?(["'`])/iy;
/** `variable "db_password" { default = "x" }` */
export const VARIABLE = /["']\s{0,4}\{[^{}]{0,200}?\bdefault\s{0,4}=\s{0,4}(["'])/y;
/** `"requirepass" "x"`, as Redis shows commands. */
export const COMMAND = /" (")(?=[^"\n]{1,200}"$)/y;
export const NEXT_LINE = /["'`]?,?\s{1,40}["'`]?value["'`]?\s{0,4}[:=]\s{0,4}(["'`]?)/iy;
export const SQL =
  /\s{1,8}(?:(?:=|<>|!=|to|as|like|ilike|eq|ne|from|in\s{0,4}\()\s{0,8}|\(\s{0,8})?[NE]?(['"]|\$\w{0,8}\$)/iy;
export const TO = /'\s{1,4}TO\s{1,4}'[^']{1,200}'/iy;
export const LIST = /'(?:[^']|''){0,400}'(?:\s{0,4},\s{0,4}'(?:[^']|''){0,400}'){1,50}/y;
export const BRACED = /\{(?:[^}\n]|\}\}){1,200}\}(?=$|[;"'\s\u007f])/y;
export const FLOW = /,[ \t]{1,4}([^\s,\]"'-][^\s,\]"']{0,200})(?=[,\]])/y;
export const KIND = /[ \t][0-9][ \t]{1,2}([\w$./!@#%&*+-]{4,200})/y;
export const CALL = /\(\s{0,8}N?(['"])/y;
// Ends of values without quotes; searched for from where the value begins.
export const LINE_END = /[\r\n\u007f]|$/g;
export const ENTRY_END = /, ?[\w-]{1,64}[=:]|[}\])\r\n\u007f]|$/g;
export const QUERY_END = /[\s\u007f&"'<>]|$/g;
export const VALUE_END = /[\s\u007f&;"'`<]|,(?=$|\s|[\w.-]{1,64} ?[=:]|["'{[])|[)\]}>](?=$|[\s,;)\]}>"'])|$/g;
export const SPACE_END = /[\s\u007f]|$/g;
export const TEMPLATE =
  /(?:\$\{[A-Za-z0-9_.]{0,80}(?::?-|:?\?[^{}]{0,80})?\}|\{\{[^{}]{0,100}\}\}|\{\w{0,40}\}|\$\([^()]{0,60}\)|<[\w -]{0,40}>|%\(\w{1,40}\)s)(?=$|[\s,;&"'`)\]}@])/y;
export const TEMPLATES = new Set(['$', '{', '<', '%']);
export const SCHEMA =
  /\{\s{0,8}["']?(?:type|\$ref|description|title|format|minLength|maxLength|required)["']?\s{0,4}:/y;
export const FOR = /\s{1,8}for\s{1,8}[^\s=]{1,130}\s{0,8}=\s{0,8}(?:password\s{0,4}\(\s{0,4})?N?(['"])/iy;
export const SCHEME =
  /(?:Bearer|Basic|Token|ApiKey|Negotiate|Digest|Key|Splunk|SharedKey|Hawk|AWS4-HMAC-SHA256)[ +]{1,4}/iy;
export const SCHEMES = new Set('bBtTaAnNdDkKsShH');
export const OPTIONS = /\b(?:id|src|env|type)=/y;
/** `process.env.X || "x"`: what is taken where nothing is set. */
export const OTHERWISE = /[^\n|?;]{1,120}?\s(?:\|\||\?\?|or|\?:)\s{1,4}(["'`])/y;
/** What ends a name in bold, and opens a value. */
export const EMPHASIS = /(?:\*{1,2}|<\/\w{1,10}>)\s{0,4}/y;
export const MARKED = /\s{1,4}(?:is\s{1,4})?<(?:b|code|strong|i|em|kbd|tt|span)>([^<\s]{1,200})</iy;
export const ALONE = /\r?\n[ \t]{0,8}([^\s:={}[\]"'`<>,;-][^\s:={}[\]"'`<>,;]{3,64})[ \t]*(?=\r?\n|$)/y;
export const HERE = /\s{1,3}<<<\s{0,3}(["']?)/y;
export const TUPLE = /,\s{0,4}(?:<<)?(")[^"\n]{1,200}"(?:>>)?\}/y;
export const FORM = /["'](?:;[^\r\n]{0,200})?(?:\r?\n[\w-]{1,40}:[^\r\n]{0,200}){0,3}(?:\r?\n){2}(?=[^\r\n])/y;
