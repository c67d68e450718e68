import type { JsonOperation } from '../../common/json-operation.ts'
import type { AdminContext } from '../context.ts'
import { cancelRewrap } from './cancel-rewrap.ts'
import { createShareLink } from './create-share-link.ts'
import { explainReaders } from './explain-readers.ts'
import { getAuthorizationImpact } from './get-authorization-impact.ts'
import { getBucketUsage } from './get-bucket-usage.ts'
import { getEnvelope } from './get-envelope.ts'
import { getKeyImpact } from './get-key-impact.ts'
import { getKeyUsage } from './get-key-usage.ts'
import { getOverview } from './get-overview.ts'
import { getSamples } from './get-samples.ts'
import { getScrub } from './get-scrub.ts'
import { getServerSettings } from './get-server-settings.ts'
import { getVerification } from './get-verification.ts'
import { listActivity } from './list-activity.ts'
import { listBuckets } from './list-buckets.ts'
import { listJobs } from './list-jobs.ts'
import { listScrubFindings } from './list-scrub-findings.ts'
import { moveBucket } from './move-bucket.ts'
import { pauseRewrap } from './pause-rewrap.ts'
import { recountUsage } from './recount-usage.ts'
import { resumeRewrap } from './resume-rewrap.ts'
import { simulate } from './simulate.ts'
import { startRewrap } from './start-rewrap.ts'
import { startScrub } from './start-scrub.ts'
import { startVerification } from './start-verification.ts'
import { stopVerification } from './stop-verification.ts'

export const OPERATIONS: readonly JsonOperation<AdminContext>[] = [
  cancelRewrap,
  createShareLink,
  explainReaders,
  getAuthorizationImpact,
  getBucketUsage,
  getEnvelope,
  getKeyImpact,
  getKeyUsage,
  getOverview,
  getSamples,
  getScrub,
  getServerSettings,
  getVerification,
  listActivity,
  listBuckets,
  listJobs,
  listScrubFindings,
  moveBucket,
  pauseRewrap,
  recountUsage,
  resumeRewrap,
  simulate,
  startRewrap,
  startScrub,
  startVerification,
  stopVerification,
]
