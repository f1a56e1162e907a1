// Who may send: on loopback everybody, unless a token is set; elsewhere whoever has the token.
import { createHash, timingSafeEqual } from 'node:crypto';

export class Gate {
  readonly #digest: Buffer | undefined;

  /** @param token What clients have to bring as `Authorization: Bearer <token>`; undefined lets everybody in. */
  constructor(token: string | undefined) {
    this.#digest = token ? sha256(token) : undefined;
  }

  get isOpen(): boolean {
    return this.#digest === undefined;
  }

  /** Takes the same time whatever the header holds. */
  admits(authorization: string | undefined): boolean {
    if (this.#digest === undefined) return true;
    const token = /^bearer +(.+)$/i.exec(authorization ?? '')?.[1]?.trim() ?? '';
    return timingSafeEqual(sha256(token), this.#digest);
  }
}

export const NO_ENTRY =
  'this server asks for a token: send the header "Authorization: Bearer <BEACON_TOKEN>", for example with OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer <token>"';

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
