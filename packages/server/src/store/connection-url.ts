// Connection strings that libpq takes and the driver does not, told apart before the driver speaks of something else.
import { BeaconError, shownAddress } from './errors.ts';

const EXAMPLE = 'It looks like postgresql://user:password@host:5432/database.';

/** @throws BeaconError that says what is wrong with it, without repeating it. */
export function checkConnectionUrl(url: string): void {
  const refuse = (what: string, hint: string): never => {
    throw new BeaconError('usage', what, hint);
  };
  if (/^\s*["'`]|["'`]\s*$/.test(url)) refuse('The connection string has quotes around it.', 'Take them out.');
  if (/^\s*\w+\s*=/.test(url)) {
    refuse('The connection string is a list of key=value pairs, which is not a connection URL.', EXAMPLE);
  }
  if (!/^postgres(ql)?:\/\//.test(url)) refuse(`Not a PostgreSQL connection string: ${shownAddress(url)}.`, EXAMPLE);
  if (hostsOf(url).includes(',')) {
    refuse(
      'The connection string names several hosts, which are not supported.',
      'Name one: the primary, or a pooler or proxy that knows which one that is.',
    );
  }
  if (!canBeRead(url)) {
    refuse(
      'The connection string cannot be read.',
      `${EXAMPLE} Characters such as @ / # % : in a password are written as %40 %2F %23 %25 %3A.`,
    );
  }
}

/** What stands between the user and the database. */
function hostsOf(url: string): string {
  const authority = /^\w+:\/\/([^/?#]*)/.exec(url)?.[1] ?? '';
  return authority.slice(authority.lastIndexOf('@') + 1);
}

/** A socket has no host, which the driver takes and URL does not. */
function canBeRead(url: string): boolean {
  return URL.canParse(url) || URL.canParse(url.replace(/^(\w+:\/\/(?:[^/?#]*@)?)(?=[/?#]|$)/, '$1socket'));
}
