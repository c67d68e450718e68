import { Icon } from '../../parts/icon.tsx'

/** The one role that object storage needs. */
export const RoleCard = () => (
  <section>
    <h3 class="label">Role</h3>
    <div class="role-card">
      <Icon name="check" />
      <div>
        <b>Reader</b>
        <span>
          Browse root keys, and wrap and unwrap data keys with them. Can’t create, rotate, disable or delete keys.
        </span>
      </div>
    </div>
  </section>
)
