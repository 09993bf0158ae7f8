package fleet

// Limits is what a plan allows an instance in a month.
type Limits struct {
	SMS, Email int // messages
	Users      int
}

// PlanLimits is what each plan, and each tier of the tiered one, allows. The usage plan is billed by message: its limits only
// stop a mistake from becoming a bill. Others, such as a plan from before they were named, have the table's defaults.
func PlanLimits(plan, tier string) Limits {
	if plan == TieredPlan {
		switch tier {
		case "starter":
			return Limits{SMS: 2_500, Email: 10_000, Users: 10}
		case "growth":
			return Limits{SMS: 10_000, Email: 50_000, Users: 50}
		case "scale":
			return Limits{SMS: 50_000, Email: 250_000, Users: 250}
		}
	}
	if plan == "usage" {
		return Limits{SMS: 100_000, Email: 500_000, Users: 250}
	}
	return Limits{SMS: 10_000, Email: 50_000, Users: 50}
}
