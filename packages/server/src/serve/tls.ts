// The certificate with which all ports speak TLS.
import * as fs from 'node:fs';
import * as tls from 'node:tls';
import { BeaconError } from '../store/errors.ts';

export interface Certificate {
  cert: Buffer;
  key: Buffer;
}

/**
 * What BEACON_TLS_CERT and BEACON_TLS_KEY name; undefined where neither is set.
 *
 * @throws BeaconError when only one is set, or they are no certificate and its key.
 */
export function certificateFrom(env: NodeJS.ProcessEnv): Certificate | undefined {
  const certFile = env.BEACON_TLS_CERT;
  const keyFile = env.BEACON_TLS_KEY;
  if (!certFile && !keyFile) return undefined;
  if (!certFile || !keyFile) {
    throw new BeaconError(
      'usage',
      `${certFile ? 'BEACON_TLS_CERT' : 'BEACON_TLS_KEY'} is set, and ${certFile ? 'BEACON_TLS_KEY' : 'BEACON_TLS_CERT'} is not.`,
      'TLS needs both: the file of the certificate (with those that signed it) and the file of its key, in PEM.',
    );
  }
  const found = { cert: read('BEACON_TLS_CERT', certFile), key: read('BEACON_TLS_KEY', keyFile) };
  try {
    tls.createSecureContext(found);
  } catch (error) {
    throw new BeaconError(
      'usage',
      `BEACON_TLS_CERT and BEACON_TLS_KEY cannot be used: ${(error as Error).message}.`,
      'They are PEM files of a certificate and of the key that belongs to it, without a passphrase.',
      { cause: error },
    );
  }
  return found;
}

function read(setting: string, file: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    throw new BeaconError('usage', `${setting} cannot be read: ${(error as Error).message}.`, 'Name a PEM file.', {
      cause: error,
    });
  }
}
