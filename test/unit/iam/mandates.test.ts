import { beforeEach, describe, expect, it } from 'vitest'
import { applyBootstrap } from '../../../src/iam/bootstrap.ts'
import type { Iam } from '../../../src/iam/iam.ts'
import type { Principal } from '../../../src/iam/principal.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import * as home from '../../iam/serve.ts'

let iam: Iam
beforeEach(async () => {
  iam = await home.openTestIam(memoryStore(), () => 1000)
  await applyBootstrap(iam, home.BOOTSTRAP)
})

const owner = { accountId: home.ACCOUNT, iamId: 'dora' }
const roles = (role?: 'Writer') => (role ? { 'cloud-object-storage': role } : {})
async function person(role?: 'Writer'): Promise<Principal> {
  await iam.identities.putUser({ ...owner, name: 'P', email: '', roles: roles(role) })
  await iam.identities.putCredential(owner, { accessKeyId: 'DORA', secretAccessKey: 'one' })
  const principal = iam.findCredential('DORA')?.principal
  if (!principal) throw new Error('no principal')
  return principal
}
function mandateOf(principal: Principal): string {
  const mandate = iam.mandates.of(principal)
  if (mandate === undefined) throw new Error('no mandate')
  return mandate
}

describe('What somebody has ordered', () => {
  it('is done with the rights that he has by then', async () => {
    const mandate = mandateOf(await person('Writer'))
    expect(iam.mandates.principal(mandate)?.type).toBe('user')
    expect(iam.mandates.principal(mandate)).toMatchObject({ ...owner, roles: roles('Writer') })
    await person()
    expect(iam.mandates.principal(mandate)).toMatchObject({ ...owner, roles: {} })
  })

  it('is nobody’s once he is gone, and not that of a later one of his name', async () => {
    const principal = await person('Writer')
    const mandate = mandateOf(principal)
    await iam.identities.deleteUser(owner)
    expect(iam.mandates.principal(mandate)).toBeUndefined()
    expect(iam.mandates.of(principal)).toBeUndefined()
    await person('Writer')
    expect(iam.mandates.principal(mandate)).toBeUndefined()
  })

  it('is a service’s while its instance is there', () => {
    const [instance] = iam.instances({ service: 'cloud-object-storage', accountId: home.ACCOUNT })
    const principal = iam.servicePrincipal(instance?.crn ?? '')
    const mandate = mandateOf(principal)
    expect(iam.mandates.principal(mandate)).toEqual(principal)
    expect(iam.mandates.principal(mandate.replace(/[0-9a-f]{8}-/, '00000000-'))).toBeUndefined()
  })

  it('is not done where it says what nobody here understands', () => {
    const more = { type: 'user', ...owner, uid: 'x', onlyOnSundays: true }
    for (const text of ['{}', '"user"', JSON.stringify(more)]) {
      expect(iam.mandates.principal(text)).toBeUndefined()
    }
  })
})
