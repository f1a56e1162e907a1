// What providers make their keys look like, so that little else does. Prefixes, alphabets and lengths are facts taken over
// from the providers' documentation and from the rules of gitleaks (github.com/gitleaks/gitleaks, MIT licence).

export interface Shape {
  /** Where it is looked at: a text that each of them holds, in small letters. */
  anchor: string;
  /** Characters before the anchor that belong to it; letters and digits up to so many with `upTo`. */
  before: number;
  upTo: boolean;
  /** Sticky, from where it begins. No part of it can be tried again over what another part has passed. */
  pattern: RegExp;
}

function shape(anchor: string, pattern: string, before = 0, upTo = false): Shape {
  return { anchor, before, upTo, pattern: new RegExp(pattern, 'y') };
}

const W = String.raw`[\w-]`;

/** Many that differ in their prefix only: `prefix` and at least so many characters of an alphabet. */
function prefixed(alphabet: string, min: number, prefixes: string): Shape[] {
  return prefixes.split(/\s+/).map((prefix) => shape(prefix.toLowerCase(), `${quoted(prefix)}${alphabet}{${min},}`));
}

function each(chars: string, make: (char: string) => Shape): Shape[] {
  return [...chars].map(make);
}

function quoted(text: string): string {
  return text.replace(/[.|]/g, '\\$&');
}

export const SHAPES: readonly Shape[] = [
  // Made of words it would be a name: `sk-learn-random-forest`.
  shape('sk-', String.raw`sk-(?=[\w-]*[0-9A-Z])[\w-]{20,}`),
  ...prefixed(W, 20, 'xai- nvapi- pplx- tvly- PMAK- gsk_ figd_ sgp_ lsv2_pt_ lsv2_sk_ ls__ pcsk_ dnkey-'),
  ...prefixed('\\w', 10, 'sk_live_ sk_test_ pk_live_ pk_test_ rk_live_ rk_test_ sk_prod_ rk_prod_'),
  ...prefixed('[\\w+/=]', 20, 'whsec_ cmVmd ABSK glc_ fm1r_ fm1a_ fm2_'),
  ...prefixed('\\w', 30, 'ghp_ gho_ ghu_ ghs_ ghr_'),
  ...prefixed(
    '\\w',
    20,
    'github_pat_ glsa_ npm_ hf_ api_org_ r8_ pnu_ squ_ sqp_ sqa_ shippo_live_ shippo_test_ sbp_ rnd_ phc_ phx_',
  ),
  ...prefixed(W, 16, 'glpat- gldt- glrt- glptt- glsoat- glcbt- glffct- glft- glimt- glagent- gloas- GR1348941'),
  ...prefixed(W, 10, 'xoxa- xoxb- xoxe- xoxp- xoxr- xoxs- xoxc- xoxd- xoxe. xapp-'),
  ...prefixed('[A-Z0-9]', 16, 'AKIA ASIA ABIA ACCA A3T'),
  ...prefixed(
    W,
    20,
    'ya29. GOCSPX- hvs. hvb. hvr. dckr_pat_ dckr_oat_ sntrys_ sntryu_ rubygems_ lin_api_ lin_oauth_ pypi- xkeysib- xsmtpsib-',
  ),
  ...prefixed(
    '[\\w=.-]',
    30,
    'pscale_tkn_ pscale_oauth_ pscale_pw_ tfp_ sl. fo1_ duffel_live_ duffel_test_ fio-u- sm_aat_',
  ),
  ...prefixed('[0-9a-f]', 30, 'shpat_ shpca_ shppa_ shpss_ doo_v1_ dop_v1_ dor_v1_ dapi key- pul- tk-us- CLOJARS_'),
  ...prefixed('[A-Za-z0-9]', 20, 'ntn_ EZAK EZTK LTAI AKCp HRKU-AA NRAK- EAAC EAAM ico- lob_'),
  ...prefixed('[A-Za-z0-9-]', 16, 'NRJS- NRII- NRRA- NRBR-'),
  ...prefixed(W, 35, 'AIza AQVN'),
  ...prefixed('[0-9a-f]', 32, 'e2b_ fc- bkua_ pubkey- sk_'),
  ...prefixed(
    '\\w',
    20,
    'fw_ tgp_v1_ jina_ CCIPAT_ CCIPRJ_ napi_ nfp_ nfc_ nfo_ nfu_ sb_secret_ cfut_ cfat_ cfk_ ddp_ rpa_ apify_api_ key_ pk_prod_ ory_at_ ory_rt_ ory_pat_ ory_ac_ vercel_blob_rw_ bfl_ gtfp_ dvc_ brv_ exa_ rpp_ plx_ uploadthing_ kp_',
  ),
  ...prefixed(W, 30, 'csk- CFPAT- p8e- pa- sk-lf-'),
  ...prefixed('[A-Za-z0-9]', 32, 'ATBB AKID AKLT cio oy2 IGQV IGQW'),
  ...prefixed(
    '[\\w+/=-]',
    30,
    'dG9rOg y0_ y1_ y2_ y3_ v1.local. v2.local. v3.local. v4.local. v1.public. v2.public. v3.public. v4.public.',
  ),
  shape('tskey-', String.raw`tskey-(?:auth|api|client|scim|webhook)-\w{6,}-\w{16,}`),
  shape('re_', 're_[A-Za-z0-9]{6,}_[A-Za-z0-9]{20,}'),
  shape('s.', String.raw`s\.(?=[A-Za-z0-9]{0,23}\d)(?=[A-Za-z0-9]{0,23}[A-Z])[A-Za-z0-9]{24}(?![\w.-])`),
  shape('1//0', String.raw`1//0[\w-]{40,}`),
  shape('00d', String.raw`00D[A-Za-z0-9]{9,15}![\w.]{40,}`),
  shape('access_token$', String.raw`access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[0-9a-f]{32}`),
  shape('amzn.mws.', 'amzn\\.mws\\.[0-9a-f-]{36}'),
  shape('amzn1.oa2-cs.', String.raw`amzn1\.oa2-cs\.v1\.[0-9a-f]{60,}`),
  shape('astracs:', String.raw`AstraCS:\w{20,}:[0-9a-f]{60,}`),
  ...['hrku-', 'pat-na1-', 'pat-eu1-', 'waka_', 'sdk-', 'mob-'].map((prefix) =>
    shape(
      prefix,
      `${prefix === 'hrku-' ? 'HRKU-' : prefix}[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`,
    ),
  ),
  shape('api-', 'api-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'),
  // Discord's bots: an id in base64, a time, a signature.
  ...each('mno', (char) => shape(`${char}t`, String.raw`[MNO]T[A-Za-z0-9]{20,26}\.[\w-]{6}\.[\w-]{27,44}`)),
  shape('ac', String.raw`AC[0-9a-f]{32}:[0-9a-f]{32}(?!\w)`),
  // Hashes of passwords.
  ...['$2a$', '$2b$', '$2y$', '$2x$'].map((prefix) => shape(prefix, String.raw`\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}`)),
  shape('$argon2', String.raw`\$argon2(?:id|i|d)\$[\w=,$+/]{20,}`),
  ...['$1$', '$5$', '$6$', '$y$', '$7$', '$apr1$'].map((prefix) =>
    shape(prefix, `${prefix.replaceAll('$', '\\$')}(?:rounds=\\d{1,9}\\$)?[./A-Za-z0-9]{1,40}\\$[./A-Za-z0-9]{20,90}`),
  ),
  shape('scram-sha-256$', String.raw`SCRAM-SHA-256\$\d{1,9}:[\w+/=]{8,}\$[\w+/=]{20,}:[\w+/=]{20,}`),
  shape('pbkdf2', String.raw`pbkdf2[_:$-]sha\d{1,3}[:$]\d{1,9}\$[\w+/=.]{4,}\$[\w+/=.]{20,}`),
  ...['{ssha', '{sha', '{crypt'].map((prefix) =>
    shape(prefix, String.raw`\{(?:SSHA|SHA|CRYPT)\d{0,3}\}[\w+/=.$]{20,}`),
  ),
  shape('secret_', 'secret_[A-Za-z0-9]{40,}'),
  shape('nral', '[0-9a-f]{36}NRAL', 36),
  shape('sg.', String.raw`SG\.[\w-]{16,}\.[\w-]{16,}`),
  shape('dp.', String.raw`dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?\w{20,}`),
  shape('sq0', String.raw`sq0[a-z]{3}-[\w-]{22,}`),
  shape('eaaa', String.raw`EAAA[\w-]{56,}`),
  shape('atatt3', String.raw`ATATT3[\w=-]{20,}`),
  shape('atctt3', String.raw`ATCTT3[\w=-]{20,}`),
  shape('age-secret-key-1', 'AGE-SECRET-KEY-1[0-9A-Z]{40,}'),
  shape(':aa', String.raw`\d{8,10}:AA[\w-]{32,}`, 10, true),
  ...each('0123456789abcdef', (digit) => shape(`sk${digit}`, 'SK[0-9a-f]{32}(?![0-9A-Za-z])')),
  ...each('123456789', (digit) => shape(`-us${digit}`, String.raw`[0-9a-f]{32}-us\d{1,2}(?!\w)`, 32)),
  shape('.atlasv1.', String.raw`[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{40,}`, 14),
  shape('q~', String.raw`[\w~.]{3}\dQ~[\w~.-]{31,34}`, 4),
  shape('|', String.raw`\d{9,20}\|[\w-]{27,40}(?!\w)`, 20, true),
  shape('eyjrijoi', 'eyJrIjoi[A-Za-z0-9]{50,}={0,3}'),
  shape('ops_eyj', 'ops_eyJ[A-Za-z0-9+/]{40,}={0,3}'),
  // JSON Web Tokens, signed and encrypted: two to five parts, the second one empty with a key agreed on directly.
  shape('eyj', String.raw`eyJ[\w-]{8,}={0,2}\.(?:[\w-]{8,}={0,2}(?:\.[\w=-]*){0,3}|\.[\w-]+\.[\w-]+\.[\w-]+)`),
  shape('zxlk', 'ZXlK[A-Za-z0-9+/_-]{60,}={0,2}'),
  shape('a3-', 'A3-[A-Z0-9]{6}-[A-Z0-9]{6,11}(?:-[A-Z0-9]{5}){3,4}'),
  shape('dt0c01.', String.raw`dt0[a-z]\d\d\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{60,}`),
  shape('flwseck', String.raw`FLWSECK(?:_TEST)?-[\w-]{12,}`),
  // Not before the letters with which English goes on: `path`, `pattern`, `patch`.
  ...each('abdfgjklmnopqsuvwxyz0123456789', (char) =>
    shape(`pat${char}`, String.raw`pat[A-Za-z0-9]{14}\.[0-9a-f]{60,}`),
  ),
  shape('sha256~', String.raw`sha256~[\w-]{40,}`),
  shape('bedrock-api-key-', String.raw`bedrock-api-key-[\w+/=]{20,}`),
  shape('v1.0-', 'v1\\.0-[0-9a-f]{24}-[0-9a-f]{100,}'),
  shape('_mmk', '[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk', 36),
  shape('access-', 'access-(?:sandbox|development|production)-[0-9a-f-]{36}'),
  shape('pk.eyj', String.raw`pk\.eyJ[\w-]{20,}\.[\w-]{20,}`),
  shape('sk.eyj', String.raw`sk\.eyJ[\w-]{20,}\.[\w-]{20,}`),
  shape('t1.', String.raw`t1\.[\w-]{10,}={0,2}\.[\w-]{80,}={0,2}`),
  shape('api-', 'API-[A-Z0-9]{26,}'),
];

/** Addresses whose path is the secret: what follows the anchor is taken out. */
export const SECRET_PATHS = [
  'hooks.slack.com/services/',
  'hooks.slack.com/workflows/',
  'hooks.slack.com/triggers/',
  'discord.com/api/webhooks/',
  'discordapp.com/api/webhooks/',
  'webhook.office.com/webhookb2/',
  'api.telegram.org/bot',
  'outlook.office.com/webhook/',
  'outlook.office365.com/webhook/',
  'logic.azure.com/workflows/',
  'hooks.zapier.com/hooks/catch/',
  'hook.integromat.com/',
  'open.feishu.cn/open-apis/bot/v2/hook/',
  'open.larksuite.com/open-apis/bot/v2/hook/',
  'qyapi.weixin.qq.com/cgi-bin/webhook/send?key=',
  'events.pagerduty.com/integration/',
  'infura.io/v3/',
  'infura.io/ws/v3/',
  'alchemy.com/v2/',
  'alchemyapi.io/v2/',
  'maker.ifttt.com/trigger/',
  'hooks.datadoghq.com/',
  'api.opsgenie.com/v1/json/',
  'hc-ping.com/',
  'base64url.bearer.authorization.k8s.io.',
];
