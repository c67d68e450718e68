import type { Person } from '../../../../iam/user-management.ts'
import { noBody } from '../../../common/json-operation.ts'
import { json } from '../../../common/reply.ts'
import type { ApiRequest } from '../../../common/request.ts'
import { requirePermission } from '../../context.ts'
import { mayInAccount } from '../../entity-access.ts'
import { type EntityContext, entityOperation, parameterInvalid } from '../../entity-protocol.ts'
import { usersAnswer } from '../../reply-schemas.ts'
import { takesUsers } from '../../taken-queries.ts'
import { writePerson } from '../../user-wire.ts'

const MAX_LIMIT = 100

/** Who may not see everybody sees themselves. */
export const listUsers = entityOperation({
  name: 'ListUsers',
  method: 'GET',
  path: '/v2/accounts/:account_id/users',
  action: 'user-management.user.retrieve',
  body: noBody,
  takes: takesUsers,
  reply: usersAnswer,
  run: async ({ request }, context) => {
    const { query } = request
    const limit = Number(query.get('limit') ?? MAX_LIMIT)
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) throw parameterInvalid(`limit is 1 to ${MAX_LIMIT}`)
    const found = visible(request, context).filter(matches(request))
    const start = query.get('_start')
    const from = start === undefined ? 0 : found.findIndex(({ uid }) => uid === start) + 1
    if (start !== undefined && from === 0) throw parameterInvalid('_start is not a token of this list')
    const page = found.slice(from, from + limit)
    const last = page.at(-1)
    const more = last !== undefined && from + limit < found.length
    return json(200, {
      total_results: page.length,
      limit,
      first_url: pageUrl(request),
      ...(more ? { next_url: pageUrl(request, last.uid) } : {}),
      resources: page.map((one) => writePerson(one, query.get('include_settings') === 'true')),
    })
  },
})

function visible(request: ApiRequest, context: EntityContext): readonly Person[] {
  const { iam, principal } = context
  const accountId = request.param('account_id')
  if (mayInAccount(context, 'user-management.user.retrieve', accountId)) return iam.people.list(accountId)
  if (accountId !== principal.accountId || principal.type !== 'user') {
    requirePermission(context, 'user-management.user.retrieve', accountId)
  }
  return [iam.people.get(principal)]
}

const SEARCHED: Readonly<Record<string, (person: Person) => string>> = {
  firstname: ({ profile, name }) => profile.firstname ?? name,
  lastname: ({ profile, name }) => profile.lastname ?? name,
  email: ({ email }) => email,
  state: ({ profile }) => profile.state,
  iam_id: ({ iamId }) => iamId,
  realm: () => 'IBMid',
  userId: ({ email, iamId }) => email || iamId,
}

/** `search=email:example.com,state:ACTIVE`: any of them, as part of the value. Throws ParameterInvalid. */
function matches({ query }: ApiRequest): (person: Person) => boolean {
  const userId = query.get('user_id')
  const tests = (query.get('search') ?? '').split(',').filter(Boolean).map(searchTest)
  return (person) =>
    (userId === undefined || (person.email || person.iamId) === userId) &&
    (tests.length === 0 || tests.some((test) => test(person)))
}

function searchTest(term: string): (person: Person) => boolean {
  const [name = '', ...rest] = term.split(':')
  const read = Object.hasOwn(SEARCHED, name) ? SEARCHED[name] : undefined
  if (!read) throw parameterInvalid(`search takes ${Object.keys(SEARCHED).join(', ')}, each as name:text`)
  const wanted = rest.join(':').toLowerCase()
  return (person) => read(person).toLowerCase().includes(wanted)
}

function pageUrl({ rawPath, query }: ApiRequest, start?: string): string {
  const parameters = new URLSearchParams([...query].filter(([name]) => name !== '_start'))
  if (start !== undefined) parameters.set('_start', start)
  return parameters.size === 0 ? rawPath : `${rawPath}?${parameters}`
}
