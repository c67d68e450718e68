import { readFile } from 'node:fs/promises'
import { checkServerCertificate } from '../../base/server-certificate.ts'
import { type Check, type Finding, finding } from './finding.ts'

const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/
const DAY_MS = 86_400_000
const SOON_DAYS = 14

const certificate = finding('certificate')
const server = finding('server')

export const listeners: Check = async ({ config, running }) => {
  const { 'tls.certificate-file': certificateFile, 'tls.key-file': keyFile } = config
  const open = [config['s3.listen'], config['control.listen']].filter(({ host }) => !LOOPBACK.test(host))
  const found: Finding[] = []
  if (certificateFile !== undefined && keyFile !== undefined) found.push(await shown(certificateFile, keyFile))
  else if (open.length > 0) {
    const where = open.map(({ host, port }) => `${host}:${port}`).join(' and ')
    found.push(
      certificate.warning(
        `${where} can be reached from elsewhere without TLS: credentials of the control listener and all contents cross the network in clear`,
        'give COFFER_TLS_CERTIFICATE_FILE and COFFER_TLS_KEY_FILE, or end TLS in a proxy before it',
      ),
    )
  }
  const { host, port } = config['control.listen']
  const { control } = running
  if (control !== undefined && port !== 0 && control.port !== port)
    found.push(
      server.warning(
        `it runs with other settings than these: its control listener is at ${control.host}:${control.port}, theirs at ${host}:${port}`,
        'give the doctor the settings of the server; started with these it listens elsewhere',
      ),
    )
  // As another user it may run with other settings than these all the same.
  if (running.state === 'absent') found.push(server.ok(`it does not run now: nothing listens at ${host}:${port}`))
  else if (running.state === 'guarded')
    found.push(
      server.ok(
        `it runs, and lets in at ${host}:${port} who shows a certificate: how it is, /health/ready tells with one`,
      ),
    )
  else if (running.state === 'unknown')
    found.push(
      server.warning(
        'something listens on the control port and does not say how it is',
        'another program may have the port; with client certificates ask /health/ready with one',
      ),
    )
  else if (running.problems.length === 0 && running.state === 'ready') found.push(server.ok('it runs, and is well'))
  else {
    for (const problem of running.problems)
      found.push(server.problem(problem, 'its log says more; docs/metrics.md has what to watch'))
    if (running.problems.length === 0) found.push(server.problem('it runs and is not ready', 'its log says why'))
  }
  return found
}

async function shown(certificateFile: string, keyFile: string): Promise<Finding> {
  const read = async (path: string) => readFile(path, 'utf8').catch(() => undefined)
  const [cert, key] = await Promise.all([read(certificateFile), read(keyFile)])
  if (cert === undefined)
    return certificate.problem(
      `${certificateFile} cannot be read`,
      'put the certificate there, readable by the user of the server',
    )
  if (key === undefined)
    return certificate.problem(
      `${keyFile} cannot be read`,
      'put the key there, readable by the user of the server alone',
    )
  const checked = checkServerCertificate(cert, key)
  if (typeof checked === 'string')
    return certificate.problem(
      `${certificateFile} and ${keyFile}: ${checked}`,
      'give the certificate with its chain, its own first, and the key that belongs to it',
    )
  const days = Math.floor((checked.endsMs - Date.now()) / DAY_MS)
  const until = new Date(checked.endsMs).toISOString().slice(0, 10)
  if (days < 0)
    return certificate.problem(`it ended on ${until}`, 'renew it: the files are looked at while the server runs')
  if (days < SOON_DAYS)
    return certificate.warning(`it ends on ${until}`, 'renew it: the files are looked at while the server runs')
  return certificate.ok(`valid until ${until}`)
}
