import type { ComponentChildren } from 'preact'
import type { RootKeyState } from '../../client/bucket-admin.ts'
import type { Reader, UsedRootKey, WhoCanRead } from '../../client/who-can-read.ts'
import { instanceOfCrn } from '../../links.ts'
import { Chip } from '../../parts/chip.tsx'
import { classes } from '../../parts/class-names.ts'
import { Hatch } from '../../parts/hatch.tsx'
import { Icon, type IconName } from '../../parts/icon.tsx'
import { Seal } from '../../parts/seal.tsx'
import { authorizationWords, decidedWords, keyName, kindOf, refusalWords } from './words.ts'

const ROW = 66
const TOP = 34
const NODE = 52
/** Of those asked about; the rest is counted. */
const MOST = 6

export interface ChainProps {
  readonly found: WhoCanRead
}

/** Who asks, what lets them, the bucket, what lets its service use the key, the key: every link must hold. */
export function Chain({ found }: ChainProps) {
  const shown = inOrder(found).slice(0, MOST)
  const key = found.rootKeys.find(({ current }) => current) ?? found.rootKeys[0]
  const height = Math.max(TOP + shown.length * ROW + 8, 150)
  const middle = TOP + (height - TOP) / 2 - 6
  const opens = key?.opens ?? true
  const isReadable = opens && shown.some(({ reads }) => reads !== 'none')
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div class="chain-frame" role="region" aria-label="The chain of links" tabIndex={0}>
      <svg class="chain" viewBox={`0 0 1100 ${height}`} role="img" aria-label={inWords(found, shown, key)}>
        {HEADS.map(([x, text]) => (
          <text key={text} class="axis" x={x} y="16" text-anchor="middle">
            {text}
          </text>
        ))}
        {shown.map((reader, index) => {
          const y = TOP + index * ROW + NODE / 2
          const lets = reader.reads !== 'none'
          return lets ? (
            <path key={reader.id} class="link-holds" d={`M206 ${y}H372C430 ${y} 430 ${middle} 486 ${middle}`} />
          ) : (
            <g key={reader.id}>
              <path class="link-broken" d={`M206 ${y}H392`} />
              <g transform={`translate(402 ${y})`}>
                <circle class="link-cut" r="10" />
                <path class="link-cross" d="m-3.5 -3.5 7 7m0 -7-7 7" />
              </g>
            </g>
          )
        })}
        <path class={opens ? 'link-holds' : 'link-broken'} d={`M672 ${middle}H826`} />
        {shown.map((reader, index) => {
          const y = TOP + index * ROW
          const lets = reader.reads !== 'none'
          return (
            <g key={reader.id}>
              <Box x={6} y={y} width={200} height={NODE}>
                <Node icon={iconOf(reader)} name={reader.name} text={kindOf(reader)} isOut={!lets} />
              </Box>
              <Box x={216} y={y + NODE / 2 - 13} width={152} height={26}>
                <Chip isSmall tone={lets ? 'ok' : 'bad'} title={reader.reason}>
                  <span class="ellipsis">{decidedWords(reader.decidedBy, reader.reason)}</span>
                </Chip>
              </Box>
            </g>
          )
        })}
        <Box x={486} y={middle - 35} width={186} height={70}>
          <Node icon="bucket" name={found.bucket} text="bucket" tone="bucket" />
        </Box>
        {key && (
          <>
            <Box x={680} y={middle - 13} width={138} height={26}>
              <Chip isSmall tone={key.authorization?.granted === false ? 'bad' : 'ok'}>
                <span class="ellipsis">
                  {key.encryption === 'provider-managed' ? 'built in' : authorizationWords(key)}
                </span>
              </Chip>
            </Box>
            <Box x={826} y={middle - 35} width={186} height={70}>
              <KeyNode rootKey={key} />
            </Box>
          </>
        )}
        <Box x={1020} y={middle - 30} width={80} height={60}>
          <div class={classes('chain-end', isReadable ? 'ok' : 'bad')}>
            <Icon name={isReadable ? 'check' : 'lock'} size="large" />
            {isReadable ? 'Readable' : 'Locked'}
          </div>
        </Box>
      </svg>
    </div>
  )
}

const HEADS: readonly (readonly [number, string])[] = [
  [106, 'Who asks'],
  [292, 'What decides'],
  [579, 'Bucket'],
  [749, 'Authorization'],
  [919, 'Root key'],
]

interface BoxProps {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly children: ComponentChildren
}

const Box = ({ children, ...where }: BoxProps) => (
  <foreignObject {...where}>
    <div class="chain-box">{children}</div>
  </foreignObject>
)

interface NodeProps {
  readonly icon: IconName
  readonly name: string
  readonly text: string
  readonly tone?: 'bucket'
  readonly isOut?: boolean
}

const Node = ({ icon, name, text, tone, isOut = false }: NodeProps) => (
  <div class={classes('chain-node', tone, isOut && 'out')}>
    <span class="chain-icon">
      <Icon name={icon} />
    </span>
    <div class="ellipsis">
      <b class="ellipsis">{name}</b>
      <span class="second ellipsis">{text}</span>
    </div>
  </div>
)

function KeyNode({ rootKey }: { readonly rootKey: UsedRootKey }) {
  const isOurs = rootKey.encryption === 'customer-managed'
  return (
    <div class={classes('chain-node', isOurs && 'key')}>
      {isOurs ? <Seal size={36} isDisabled={!rootKey.opens} /> : <Hatch size={34} />}
      <div class="ellipsis">
        <b class="ellipsis">{keyName(rootKey)}</b>
        <span class="second ellipsis">
          {isOurs
            ? [instanceOfCrn(rootKey.crn)?.name, rootKey.state && STATE[rootKey.state]]
                .filter((part) => part !== undefined)
                .join(', ')
            : 'kept by Coffer'}
        </span>
      </div>
    </div>
  )
}

const STATE: Readonly<Record<RootKeyState, string>> = {
  'pre-active': 'not active yet',
  active: 'active',
  suspended: 'disabled',
  deactivated: 'expired',
  destroyed: 'deleted',
}

const iconOf = ({ kind }: Reader): IconName =>
  kind === 'service-id' || kind === 'service' || kind === 'iam-role' ? 'robot' : 'people'

const RANK: Readonly<Record<Reader['reads'], number>> = { all: 0, most: 1, some: 2, none: 3 }

/** Those who can first; strangers where they can. */
export const inOrder = ({ readers, anybody }: WhoCanRead): readonly Reader[] =>
  [...readers, ...(anybody.reads === 'none' ? [] : [anybody])].sort((a, b) => RANK[a.reads] - RANK[b.reads])

function inWords(found: WhoCanRead, shown: readonly Reader[], key: UsedRootKey | undefined): string {
  const can = shown.filter(({ reads }) => reads !== 'none').map(({ name }) => name)
  const cannot = shown.filter(({ reads }) => reads === 'none').map(({ name }) => name)
  return [
    can.length === 0 ? `Nobody has the right to read ${found.bucket}` : `${can.join(', ')} may read ${found.bucket}`,
    ...(key ? [key.opens ? `its root key ${keyName(key)} opens` : refusalWords(key)] : []),
    ...(cannot.length > 0 ? [`${cannot.join(', ')} may not`] : []),
  ].join('; ')
}
