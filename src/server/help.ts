import { PROVIDER_MEMBERS } from './declared-providers.ts'
import { environmentName, flagName, SETTINGS, type Setting } from './settings.ts'

/** `coffer serve --help`: every setting, made from their one table. */
export function helpText(): string {
  const rows = Object.entries(SETTINGS).map(([name, setting]: [string, Setting]) => {
    const shown = setting.default === undefined ? '' : ` [${show(setting.default)}]`
    const flag = setting.secret ? '(no flag)' : flagName(name)
    return `  ${flag.padEnd(26)} ${environmentName(name).padEnd(32)}\n      ${setting.help}${shown}${setting.secret ? ' (or …_FILE)' : ''}`
  })
  return `coffer serve: an S3-compatible object store with envelope encryption built in.

Usage: coffer [serve] [directory] [--json] [flags]          (coffer --help lists all commands)

  --json   what is told at the start, credentials of a first one included, as one JSON document; and why it does not start

  ${'--config-file'.padEnd(26)} ${'COFFER_CONFIG_FILE'.padEnd(32)}\n      TOML file with settings, e.g. [s3] listen = "127.0.0.1:9000"
${rows.join('\n')}

Key services elsewhere are declared in tables of the file, or by variables COFFER_KEY_PROVIDERS_<NAME>_<MEMBER>:
  [key-providers.<name>]
  ${PROVIDER_MEMBERS.join(', ')}

Flags win over the environment, the environment over the file.

Examples:
  coffer serve ./store
  coffer serve --data-dir /var/lib/coffer --instance-key-file /etc/coffer.key --log-level warn`
}

function show(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'host' in value && 'port' in value)
    return `${value.host}:${value.port}`
  return Array.isArray(value) ? value.join(',') : String(value)
}
