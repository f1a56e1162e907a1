// The bearer token, where the server wants one. It stays in this tab and goes with it.
import { signal } from '@preact/signals';

const KEY = 'beacon-token';

/** True once the server refused a request for want of a (right) token. */
export const needsToken = signal(false);

/** Counts what makes earlier answers worthless: a token given, a server that is back. */
export const epoch = signal(0);

export function authorization(): { authorization?: string } {
  const token = sessionStorage.getItem(KEY);
  return token ? { authorization: `Bearer ${token}` } : {};
}

export function giveToken(token: string): void {
  sessionStorage.setItem(KEY, token);
  needsToken.value = false;
  epoch.value++;
}

/** The server refused a request that was sent with these headers. A token given since then is not the one it refused. */
export function refused(sent: { authorization?: string }): void {
  if (sent.authorization !== authorization().authorization) return;
  sessionStorage.removeItem(KEY);
  needsToken.value = true;
}
