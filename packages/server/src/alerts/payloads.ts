// What a receiver gets. The shapes of Slack and PagerDuty follow their documents: their services cannot be asked in a test.
import { createHmac } from 'node:crypto';

/** A delivery as claim_deliveries gives it. */
export interface Delivery {
  id: string;
  event: 'firing' | 'resolved' | 'test';
  attempts: number;
  kind: 'webhook' | 'slack' | 'pagerduty';
  url: string | null;
  url_env: string | null;
  secret_env: string | null;
  target: string;
  alert: {
    id: string;
    rule: string;
    fingerprint: string;
    severity: 'critical' | 'error' | 'warning' | 'info';
    summary: string;
    cause?: string | null;
    link?: string | null;
    facts?: Record<string, unknown>;
    began_at: string;
    resolved_at?: string | null;
  };
}

export interface Request {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** What is configured on this server's side: environment variables, and the address under which people see it. */
export interface Around {
  env: NodeJS.ProcessEnv;
  /** BEACON_PUBLIC_URL; links are left out without it. */
  publicUrl: string | undefined;
  now: () => number;
}

/**
 * The request of a delivery.
 *
 * @throws Error that names what is not configured.
 */
export function requestFor(delivery: Delivery, around: Around): Request {
  const address = delivery.url ?? variable(delivery.url_env, 'address', delivery, around);
  if (!/^https?:\/\/[^/@]+(\/|$)/.test(address))
    throw new Error(`The address of target ${delivery.target} must be http:// or https://, without user and password.`);
  const secret = delivery.secret_env ? variable(delivery.secret_env, 'secret', delivery, around) : undefined;
  const content = CONTENTS[delivery.kind](delivery, linkOf(delivery, around), secret);
  const body = JSON.stringify(content);
  const headers: Record<string, string> = { 'content-type': 'application/json', 'user-agent': 'beacon' };
  if (delivery.kind === 'webhook') {
    const at = String(Math.floor(around.now() / 1000));
    Object.assign(headers, { 'webhook-id': delivery.id, 'webhook-timestamp': at });
    if (secret !== undefined) headers['webhook-signature'] = signature(secret, delivery.id, at, body);
  }
  return { url: address, headers, body };
}

/**
 * Signature of Standard Webhooks 1.0: HMAC-SHA256 over id, time and body. A secret that begins with `whsec_` is Base64.
 *
 * @param at Seconds since the epoch.
 */
export function signature(secret: string, id: string, at: string, body: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  return `v1,${createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')}`;
}

type Content = (delivery: Delivery, link: string | undefined, secret: string | undefined) => object;

const CONTENTS: Record<Delivery['kind'], Content> = {
  webhook: ({ id, event, alert }, link) => ({
    type: `alert.${event}`,
    timestamp: event === 'resolved' ? alert.resolved_at : alert.began_at,
    data: { delivery_id: id, ...alert, link: link ?? null },
  }),
  slack: ({ event, alert }, link) => {
    const head = `*${{ firing: 'Firing', resolved: 'Resolved', test: 'Test' }[event]}*: ${escaped(alert.summary)}`;
    const rest = [
      ...(alert.cause && event === 'firing' ? [escaped(alert.cause)] : []),
      ...(link ? [`<${link}|Open in Beacon>`] : []),
    ];
    return {
      text: [head, ...rest].join('\n').slice(0, 3000),
      blocks: [
        { type: 'section', text: { type: 'mrkdwn', text: [head, ...rest].join('\n').slice(0, 3000) } },
        {
          type: 'context',
          elements: [{ type: 'mrkdwn', text: `${escaped(alert.rule)} · ${alert.severity} · ${alert.id}` }],
        },
      ],
    };
  },
  pagerduty: ({ target, event, alert }, link, secret) => {
    if (!secret) throw new Error(`Target ${target} has no secret_env: PagerDuty takes nothing without a routing key.`);
    return {
      routing_key: secret,
      event_action: event === 'resolved' ? 'resolve' : 'trigger',
      // One alert is one incident: a repeat is dropped by it, and the resolution finds it.
      dedup_key: alert.id,
      ...(event !== 'resolved' && {
        payload: {
          summary: alert.summary.slice(0, 1024),
          source: 'beacon',
          severity: alert.severity,
          timestamp: alert.began_at,
          class: alert.rule,
          custom_details: { cause: alert.cause ?? null, ...alert.facts },
        },
        ...(link && { links: [{ href: link, text: 'Open in Beacon' }] }),
      }),
    };
  },
};

function variable(name: string | null, what: string, { target }: Delivery, { env }: Around): string {
  const value = name === null ? undefined : env[name];
  if (!value) throw new Error(`The environment variable ${name}, with the ${what} of target ${target}, is not set.`);
  return value;
}

function linkOf({ alert }: Delivery, { publicUrl }: Around): string | undefined {
  return publicUrl && alert.link ? `${publicUrl.replace(/\/+$/, '')}${alert.link}` : undefined;
}

/** Slack's own three characters. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
