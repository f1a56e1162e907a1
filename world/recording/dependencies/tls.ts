// HTTPS servers whose certificates are good, expired, of an unknown authority, self-signed, or made out to another name.
import * as https from 'node:https';
import * as path from 'node:path';
import type { Dependency, Surroundings } from '../dependencies.ts';
import { makeAuthority } from './certificates.ts';

const PORT = 443;
/** Variables in which languages and SDKs look for authorities to trust. */
export const TRUST = ['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'AWS_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS', 'WORLD_CA_FILE'];

/** `WORLD_TLS_GOOD`, `WORLD_TLS_EXPIRED` and so on; programs find the authority to trust where each language looks. */
export async function startTls({ names, scratch }: Surroundings): Promise<Dependency> {
  const trusted = makeAuthority(path.join(scratch, 'trusted'), 'Example Root');
  const unknown = makeAuthority(path.join(scratch, 'unknown'), 'Another Root');
  const host = (n: number) => `bank-${n}.example`;
  const selfSigned = makeAuthority(path.join(scratch, 'self'), host(4));
  const certificates = {
    GOOD: trusted.sign(host(1)),
    EXPIRED: trusted.sign(host(2), { expired: true }),
    UNKNOWN: unknown.sign(host(3)),
    SELF_SIGNED: selfSigned.self(),
    OTHER_NAME: trusted.sign('elsewhere.example'),
  };
  const servers: https.Server[] = [];
  const environment: Record<string, string> = {};
  for (const [i, [name, certificate]] of Object.entries(certificates).entries()) {
    const server = https.createServer(certificate, (request, response) => {
      request.resume();
      response.setHeader('content-type', 'application/json');
      response.end('{"rate": 0.19}');
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(PORT, names.address(host(i + 1)), resolve);
    });
    servers.push(server);
    environment[`WORLD_TLS_${name}`] = `https://${host(i + 1)}`;
  }
  for (const name of TRUST) environment[name] = trusted.file;
  return {
    environment,
    versions: {},
    async stop() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}
