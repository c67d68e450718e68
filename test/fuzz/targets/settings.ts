import assert from 'node:assert/strict'
import { readConfig } from '../../../src/server/config.ts'
import { environmentName, flagName, SETTINGS } from '../../../src/server/settings.ts'
import { scratchFile } from '../scratch-file.ts'
import { type FuzzTarget, refusals } from '../target.ts'

const NAMES = Object.keys(SETTINGS)
const mayThrow = refusals('ConfigInvalid')

export const settingsFileTarget: FuzzTarget = {
  name: 'settings-file',
  seeds: [
    'data-dir = "./data"\n[s3]\nlisten = "127.0.0.1:9000"\ndomain = ["s3.example.com"]\nmax-connections = 10\n[audit]\nmax-bytes = 10_000_000\nfile-bytes = 70000\n',
    's3.webhooks = "orders=https://example.com/events"\ntrusted-proxies = "10.0.0.0/8,::1"\n[log]\nlevel = "warn" # why\n[lifecycle]\nday-seconds = 0x10\n',
    '[kms]\nsweep-interval-ms = 1000\nprivate-networks = ["10.0.0.0/8"]\n[disk]\nreserve-bytes = 5\n',
  ].map((each) => Buffer.from(each)),
  words: [
    ...NAMES.map((name) => `\n${name} = `),
    '[[',
    '"""',
    "'''",
    '1979-05-27T07:32:00Z',
    'inf',
    '{a=1}',
    '\n[__proto__]\n',
    '\n[constructor.prototype]\n',
  ],
  mayThrow,
  run: (input) => {
    readConfig([`--config-file=${scratchFile(input, 'settings.toml')}`], {})
    assert.deepEqual(Object.keys(Object.prototype), [])
  },
}

/** Lines: `COFFER_…=…` for the environment, anything else is a flag. */
export const settingsTarget: FuzzTarget = {
  name: 'settings',
  seeds: [
    'COFFER_S3_LISTEN=0.0.0.0:9000\nCOFFER_S3_DOMAIN=s3.example.com\n--s3-region=eu-de\n--data-dir\n/tmp/x\nCOFFER_TRUSTED_PROXIES=10.0.0.0/8',
    'COFFER_S3_REPLICATION_TARGETS=dr=https://s3.example.com?region=eu&kind=coffer\nCOFFER_S3_REPLICATION_CREDENTIALS=dr=a:b',
    'COFFER_S3_NATS_TARGETS=jobs=nats://example.com:4222/events.jobs\nCOFFER_S3_NATS_CREDENTIALS=jobs=u:p\nCOFFER_STORAGE_CLASSES=GLACIER=/mnt/slow',
  ].map((each) => Buffer.from(each)),
  words: [
    ...NAMES.map((name) => `\n${environmentName(name)}=`),
    ...NAMES.map((name) => `\n${flagName(name)}=`),
    'https://',
    '//user:pass@',
    '[::1]:',
  ],
  mayThrow,
  run: (input) => {
    const lines = input.toString('utf8').split('\n')
    const isVariable = (line: string) => line.startsWith('COFFER_')
    const environment = lines
      .filter(isVariable)
      .map((line) => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1)])
    // Files of this machine are nobody's business.
    const harmless = environment.filter(([name]) => !name?.endsWith('_FILE'))
    readConfig(
      lines.filter((line) => !isVariable(line) && !line.startsWith('--config-file')),
      Object.fromEntries(harmless),
    )
  },
}
