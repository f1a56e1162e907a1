// Connection strings as they may be shown. What is not written as a URL ought to be could be read in more than one way, and
// one of them would show a part of the password: of such a string nothing is shown.

const NOT_SHOWN = '(a connection string that cannot be parsed)';
const MASK = '***';

const HOST = String.raw`(?:[\w.%-]+|\[[0-9a-fA-F:.]+(?:%\w+)?\])(?::\d{1,5})?`;
const URL_PARTS = new RegExp(
  String.raw`^([a-z][a-z0-9+.-]*:\/\/)(?:([\w.~%!$+-]*)(:[^\s@/:?#]*)?@)?(${HOST}(?:,${HOST})*)?(\/[\w.~%/-]*)?(?:\?([^\s?#@]*))?$`,
  'i',
);
/** Parameters whose values say where and how, and never who with what. */
const SHOWN_PARAMETERS =
  /^(?:sslmode|application_name|connect_timeout|host|port|dbname|target_session_attrs|channel_binding|keepalives\w*|client_encoding|gssencmode|uselibpqcompat|sslnegotiation)$/;

/** The address without its password; one sentence instead of it when there is any doubt where the password ends. */
export function shownAddress(address: string): string {
  const parts = URL_PARTS.exec(address);
  if (!parts) return NOT_SHOWN;
  const [, scheme, user, password, host = '', path = '', query] = parts;
  const login = user === undefined ? '' : `${user}${password === undefined ? '' : `:${MASK}`}@`;
  return `${scheme}${login}${host}${path}${query === undefined ? '' : `?${shownQuery(query)}`}`;
}

function shownQuery(query: string): string {
  return query
    .split('&')
    .map((pair) => {
      const at = pair.indexOf('=');
      const name = at < 0 ? pair : pair.slice(0, at);
      if (at < 0 || !/^\w{1,40}$/.test(name)) return MASK;
      return SHOWN_PARAMETERS.test(name) ? pair : `${name}=${MASK}`;
    })
    .join('&');
}

/** Host, port and database of a connection string, without user and password. */
export function shownDatabase(connectionString: string): string {
  const shown = shownAddress(connectionString);
  return shown === NOT_SHOWN ? shown : shown.replace(/^[^:]+:\/\/(?:[^@/]*@)?/, '').replace(/\?.*$/, '');
}

/**
 * An error's text without any piece of the connection string that may be one of the password: where it is no proper URL a
 * driver takes it apart in its own way, and names the pieces.
 */
export function withoutPieces(text: string, connectionString: string): string {
  if (shownAddress(connectionString) !== NOT_SHOWN) return text;
  const pieces = connectionString
    .split(/[\s@:/#?&=,;'"]+/)
    .filter(
      (piece) =>
        piece.length >= 2 &&
        !/^(?:postgres(?:ql)?|localhost|host|port|user|dbname|password|\d{1,3}(?:\.\d{1,3}){3})$/i.test(piece),
    )
    .sort((a, b) => b.length - a.length);
  let clean = text;
  for (const piece of [connectionString, ...pieces]) clean = clean.replaceAll(piece, MASK);
  return clean;
}
