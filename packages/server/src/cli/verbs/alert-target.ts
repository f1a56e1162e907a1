// `beacon alert-target`: adds a target of alerts. No API does: an address that a server calls is for who runs its database to name.
import type { Command } from 'commander';
import { BeaconError } from '../../store/errors.ts';
import { type Context, printJson, verb, withDatabase } from '../verb.ts';

export function alertTargetVerb(): Command {
  return verb('alert-target', 'Adds or changes a target that alerts may be sent to, or removes it.')
    .argument('<name>')
    .option('--kind <kind>', 'webhook (signed as Standard Webhooks), slack or pagerduty', 'webhook')
    .option('--url <url>', 'its address, where that is no secret')
    .option('--url-env <variable>', "environment variable of the server with the address (Slack's is a secret)")
    .option(
      '--secret-env <variable>',
      "environment variable of the server with the signing secret, or PagerDuty's routing key",
    )
    .option('--remove', 'removes it; what waits for it is not sent')
    .action(withDatabase(alertTarget));
}

async function alertTarget({ pool, options, print }: Context, name: string): Promise<number> {
  if (options.remove) {
    const { rowCount } = await pool.query('delete from beacon.alert_targets where name = $1', [name]);
    if (!rowCount)
      throw new BeaconError('not_found', `There is no target ${name}.`, '`beacon alert-targets` lists them.');
    if (options.json) printJson({ name, removed: true });
    else print(`Removed ${name}.`);
    return 0;
  }
  const { kind, url, urlEnv, secretEnv } = options as Record<string, string | undefined>;
  try {
    await pool.query('select beacon.alert_target($1, $2, $3, $4, $5)', [
      ...[name, kind, url ?? null, urlEnv ?? null, secretEnv ?? null],
    ]);
  } catch (error) {
    const { constraint } = error as { constraint?: string };
    if (!constraint?.startsWith('alert_targets_')) throw error;
    throw new BeaconError(
      'usage',
      WRONG[constraint] ?? `${name} cannot be a target.`,
      '--help shows what a target takes.',
    );
  }
  if (options.json) printJson({ name, kind });
  else print(`Alerts can be sent to ${name}. \`beacon test-alert ${name}\` tries it.`);
  return 0;
}

const WRONG: Record<string, string> = {
  alert_targets_kind_is_known: '--kind must be webhook, slack or pagerduty.',
  alert_targets_have_one_address: 'Give the address by --url, or by --url-env, and not by both.',
  alert_targets_url_is_http: '--url must be http:// or https://, without user and password.',
};
