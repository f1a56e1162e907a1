import * as first from './secrets.ts';
import * as further from './secrets-further.ts';

export const SECRETS = [...first.SECRETS, ...further.MORE_SECRETS];
export const SECRET_KEYS = [...first.SECRET_KEYS, ...further.MORE_SECRET_KEYS];
export const INNOCENTS = [...first.INNOCENTS, ...further.MORE_INNOCENTS];
export const INNOCENT_KEYS = [...first.INNOCENT_KEYS, ...further.MORE_INNOCENT_KEYS];
export { hex, random } from './secrets.ts';
