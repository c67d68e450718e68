import { EXIT, MEANING } from '../base/exit-status.ts'

const ENVIRONMENT = `What the clients' half of coffer takes from the environment:

  COFFER_CONTROL                control listener: Key Protect, IAM, administration; http://127.0.0.1:9001
  AWS_ENDPOINT_URL_S3           S3 listener, before AWS_ENDPOINT_URL and endpoint_url of ~/.aws/config; http://127.0.0.1:9000
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE, AWS_REGION
                                as for every client of AWS; without any, S3 is called with a token of the API key
  IBMCLOUD_API_KEY              API key of a user or service ID: for keys, authorizations, users, policies
  KP_INSTANCE_ID                the Key Protect instance that keys are looked for in
  COS_INSTANCE_CRN              the object storage instance that buckets are made in
  SOURCE_AWS_…, TARGET_AWS_…    the same for the other store of coffer import and coffer export
  COFFER_PROFILE                a profile that coffer login saved
  COFFER_PROGRESS               auto, bar, plain, json, none
  COFFER_READ_TIMEOUT           silence of a server that is waited through: 60s by default, 30s, 5m
  NO_COLOR                      no colours
  AWS_CA_BUNDLE                 PEM file with the authorities that are trusted, in place of those that Node carries
  NODE_EXTRA_CA_CERTS           PEM file with authorities that are trusted besides
  NODE_USE_SYSTEM_CA=1          those of the machine are trusted, too

A server's first start prints the first six as lines to paste. What --profile or COFFER_PROFILE names counts alone; else the
environment counts before the current profile.
`

const OUTPUT = `Answers are on standard output; progress, hints and errors on standard error.

  --json     one document for one answer. Commands that list or move many things write a line for each:
             {"type":"item"|"progress"|"warning"|"result"|"error", …}; the last line is always a result or an error.
             An error has code, exit, message, and where there are any fixes, notes, requestId. Members are only added.
             Help is {"type":"help","text":…}. What has a form of its own, as the content of an object, stays as it is.
  --quiet    ids and names only
  --wide     more columns
  Sizes are in powers of ten, and exact in JSON; times are relative, and ISO 8601 in JSON.
`

const REFERENCES = `Objects are named bucket/key or s3://bucket/key; a folder ends with /.
Root keys are named by an alias, instance/alias, an id or a CRN; a name that only one key has does, too.
Instances, users and service IDs are named by their names or ids.
`

const codes: Readonly<Record<string, number>> = EXIT

export const exitCodesText = (): string =>
  `Exit codes:\n\n${Object.entries(MEANING)
    .map(([name, meaning]) => `  ${String(codes[name]).padStart(3)}  ${meaning}`)
    .join(
      '\n',
    )}\n\nverify, salvage, doctor, backup, restore, keys, audit, decrypt and prove say theirs in their --help.\n`

export const TOPICS: ReadonlyMap<string, () => string> = new Map([
  ['exit-codes', exitCodesText],
  ['environment', () => ENVIRONMENT],
  ['output', () => OUTPUT],
  ['references', () => REFERENCES],
])
