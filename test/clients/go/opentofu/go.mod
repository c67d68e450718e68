module clients/opentofu

go 1.26.0

require github.com/opentofu/opentofu v1.12.6

// The replacement that its own go.mod makes, for which `go install` refuses it.
replace github.com/hashicorp/hcl/v2 v2.20.1 => github.com/opentofu/hcl/v2 v2.20.2-0.20251021132045-587d123c2828

tool github.com/opentofu/opentofu/cmd/tofu
