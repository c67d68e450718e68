import { usage } from '../../failure.ts'
import { isTrue, listOf, member, numberOf } from '../../json.ts'
import { KEY_ARGUMENT, keyPath } from '../../key-face.ts'
import { findKey, inInstance } from '../../key-protect.ts'
import type { CommandSpec } from '../../spec.ts'
import { factsText } from '../../table.ts'

const TYPE = 'application/vnd.ibm.kms.policy+json'

export const keyPolicy: CommandSpec = {
  name: 'policy',
  summary: 'Shows or sets the policies of a key: rotation, and deletion by two people.',
  arguments: [KEY_ARGUMENT],
  options: {
    rotate: { value: 'months', help: 'rotated every so many months, 1 to 12; 0: no longer' },
    'dual-auth-delete': { value: 'on|off', help: 'whether two people are needed to delete it', choices: ['on', 'off'] },
  },
  examples: ['coffer key policy finance-root', 'coffer key policy finance-root --rotate 3'],
  see: ['coffer key rotate'],
  run: async (call) => {
    call.doing(`set policies of the key ${call.argument('key')}`)
    const server = await call.server()
    const key = await findKey(server, call.argument('key'))
    const path = `${keyPath(key)}/policies`
    const [months, dual] = [call.count('rotate'), call.text('dual-auth-delete')]
    if (months !== undefined && months > 12) throw usage('--rotate takes 0 to 12 months')
    if (months !== undefined) {
      const rotation = months === 0 ? { enabled: false } : { enabled: true, interval_month: months }
      await put(path, 'rotation', { rotation })
    }
    if (dual !== undefined) await put(path, 'dualAuthDelete', { dualAuthDelete: { enabled: dual === 'on' } })
    const policies = listOf(await server.control('GET', path, inInstance(key.instance)), 'resources')
    const rotation = policies.map((one) => member(one, 'rotation')).find((one) => one !== undefined)
    const deletion = policies.map((one) => member(one, 'dualAuthDelete')).find((one) => one !== undefined)
    const every = isTrue(rotation, 'enabled') ? numberOf(rotation, 'interval_month') : undefined
    const document = { key: key.id, rotateMonths: every, dualAuthDelete: isTrue(deletion, 'enabled') }
    call.out.answer(
      document,
      () =>
        factsText(
          [
            ['rotation', every === undefined ? 'by hand' : `every ${every} months`],
            ['deletion', document.dualAuthDelete ? 'takes two people' : 'takes one Manager'],
          ],
          call.out.paint,
        ),
      [key.id],
    )
    return 'done'

    async function put(to: string, policy: string, members: object): Promise<void> {
      const json = { metadata: { collectionType: TYPE, collectionTotal: 1 }, resources: [{ type: TYPE, ...members }] }
      await server.control(
        'PUT',
        to,
        inInstance(key.instance, { query: { policy }, json, headers: { 'content-type': TYPE } }),
      )
    }
  },
}
