/** Why tests of the suite fail on purpose, or because nobody can pass them. By the name of the test, without parameters. */
const REASONS: readonly (readonly [reason: string, tests: RegExp])[] = [
  ['signature version 2 is refused', /_aws2$|^test_cors_presigned_\w+_v2$/],
  [
    'no server can pass it: the client signs the request again after the test has spoilt it, or puts the header back',
    /^test_(object|bucket)_create_bad_(authorization_(empty|none)|contentlength_none)$/,
  ],
  [
    'no server can pass it: the test spoils another client than the one it uses',
    /^test_bucket_policy_put_obj_request_obj_tag$/,
  ],
  [
    'no server should pass it: it wants the owner refused because an Allow does not match',
    /^test_bucket_policy_set_condition_operator_end_with_IfExists$/,
  ],
  ['wants UTF-8 bytes that it sent back as Latin-1', /^test_object_set_get_unicode_metadata$/],
  ['wants 400 for a key that current clients send as valid UTF-8: 404 is right', /^test_object_read_unreadable$/],
  [
    'wants what only Ceph has: headers, listings, tenants, anonymous ListBuckets',
    /^test_(account_usage|head_bucket_usage|bucket_head_extended|bucket_list(v2)?_unordered|get_object_torrent|list_buckets_anonymous|bucket_policy_(different_tenant|tenanted_bucket|deny_self_denied_policy_confirm_header)|put_bucket_logging_(tenant|account)_\w)$/,
  ],
  ['wants 400 InvalidPart as Ceph answers; AWS and Coffer answer 416 InvalidPartNumber', /_get_part$/],
  [
    'wants 400 for another key than the object’s; AWS and Coffer answer 403',
    /^test_encryption_sse_c_(other_key|multipart_bad_download)$/,
  ],
  ['wants aws:kms without a key refused; AWS and Coffer take the account’s own', /^test_sse_kms_no_key$/],
  [
    'wants If-Match of a deletion to hold where nothing is, as in directory buckets; Coffer answers 404 as for writes',
    /^test_delete_objects?_(current_)?if_match$/,
  ],
  [
    'wants 403 for a URL that holds longer than a week; AWS and Coffer answer 400',
    /^test_object_raw_get_x_amz_expires_out_max_range$/,
  ],
  ['wants the log objects, codes or fields of Ceph’s own logging', /bucket_logging/],
  [
    'needs a Keycloak, and wants ARNs without an account as Ceph’s',
    /^test_(assume_role_with_web_identity|session_policy_|swapping_role_policy)/,
  ],
  ['wants ARNs without an account as Ceph’s', /^test_(assume_role_(allow|deny|creds)|verify_allow_iam_actions$)/],
  ['wants a condition key that only Ceph has, sts:authentication', /^test_get_session_token$/],
  [
    'wants a role of another account taken on by who has no right to it of its own account; AWS and Coffer ask both',
    /^test_(account_role_policy_allow_\w+|(same|cross)_account_role_policy_allow)$/,
  ],
  ['wants grants to users; those of AWS and Coffer are to accounts', /^test_cross_account_\w+_grant_user_id$/],
  [
    'no server with AWS’s rules can pass it after others: what they leave cannot be deleted, users that are in groups',
    /^test_account_managed_group_policy_allow$/,
  ],
  ['wants 200 for PutBucketTagging; AWS and Coffer answer 204', /^test_allow_tagging_actions_in_user_policy$/],
  ['Amazon’s notification service is not here', /^test_.*(topic|sns)/],
  [
    'S3 Select, which AWS has closed to new customers, is refused by name',
    /^test_(alias_cyclic_refernce|\w*column_sum_min_max|count_\w*operation|csv_definition|generate_\w+|json_nullif_expressions|lowerupper_expressions|progress_expressions|schema_definition)$/,
  ],
]

/** Undefined: nobody has explained it. */
export const knownReason = (test: string): string | undefined => REASONS.find(([, tests]) => tests.test(test))?.[0]
