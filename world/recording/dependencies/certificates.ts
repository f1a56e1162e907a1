// Certificates of an authority of this run, made by openssl.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { tool } from '../scratch.ts';

export interface Authority {
  /** Its own certificate, for those who trust it. */
  file: string;
  /** A certificate and its key for a name. */
  sign(name: string, options?: { expired?: boolean }): Certificate;
  /** Its own certificate and key, for a server that signed for itself. */
  self(): Certificate;
}

interface Certificate {
  cert: Buffer;
  key: Buffer;
}

const CONFIG = `[ca]
default_ca = this
[this]
new_certs_dir = .
database = index.txt
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
email_in_dn = no
unique_subject = no
[any]
commonName = supplied
`;

/** @param dir An empty folder. */
export function makeAuthority(dir: string, name: string): Authority {
  fs.mkdirSync(dir, { recursive: true });
  fs.writeFileSync(path.join(dir, 'ca.conf'), CONFIG);
  fs.writeFileSync(path.join(dir, 'index.txt'), '');
  const openssl = (...args: string[]) => tool('openssl', args, { cwd: dir });
  const key = (to: string) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', to];
  openssl(
    'req',
    '-x509',
    ...key('ca.key'),
    '-subj',
    `/CN=${name}`,
    '-days',
    '3650',
    '-out',
    'ca.pem',
    '-addext',
    `subjectAltName=DNS:${name.replaceAll(' ', '-')}`,
  );
  const read = (file: string) => fs.readFileSync(path.join(dir, file));
  return {
    self: () => ({ cert: read('ca.pem'), key: read('ca.key') }),
    file: path.join(dir, 'ca.pem'),
    sign(host, { expired = false } = {}) {
      const names = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
      openssl('req', '-new', ...key(`${host}.key`), ...names, '-out', `${host}.csr`);
      const days = expired ? ['20240101000000Z', '20250101000000Z'] : ['20240101000000Z', '20400101000000Z'];
      const dates = ['-startdate', days[0]!, '-enddate', days[1]!];
      openssl(
        'ca',
        '-batch',
        '-notext',
        '-config',
        'ca.conf',
        '-cert',
        'ca.pem',
        '-keyfile',
        'ca.key',
        ...dates,
        '-in',
        `${host}.csr`,
        '-out',
        `${host}.pem`,
      );
      return { cert: read(`${host}.pem`), key: read(`${host}.key`) };
    },
  };
}
