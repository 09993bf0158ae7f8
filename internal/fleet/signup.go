package fleet

import "time"

// SignupStatus is where a signup is on its way to an instance.
type SignupStatus string

const (
	// Requested: waits for an operator's decision.
	Requested SignupStatus = "REQUESTED"
	// Approved: waits for one of the provisioning slots.
	Approved SignupStatus = "APPROVED"
	// Admitted: its instance is being provisioned.
	Admitted SignupStatus = "ADMITTED"
	// Completed: its instance went active.
	Completed SignupStatus = "COMPLETED"
	// Rejected: an operator refused it. The slug is free again.
	Rejected SignupStatus = "REJECTED"
	// Expired: nobody decided it in time. The slug is free again.
	Expired SignupStatus = "EXPIRED"
	// Failed: the provisioning failed; Reason says why. The slug is free once nothing of it can turn up any more.
	Failed SignupStatus = "FAILED"
)

// SignupStatuses lists the statuses, by the way of a signup.
func SignupStatuses() []SignupStatus {
	return []SignupStatus{Requested, Approved, Rejected, Expired, Admitted, Completed, Failed}
}

// NextAction is what happens next to a signup of this status, or what somebody has to do.
func (s SignupStatus) NextAction() string {
	switch s {
	case Requested:
		return "an operator approves or rejects it"
	case Approved:
		return "none: its provisioning begins by itself as soon as a slot is free"
	case Admitted:
		return "none: its provisioning runs, and ends by itself within its deadline"
	case Completed:
		return "none: the instance is up"
	default:
		return "none: whoever still wants an instance signs up again"
	}
}

// Signup is a customer's wish for an instance. Receiving it mints the instance's id.
type Signup struct {
	InstanceID string       `json:"instance_id"`
	Slug       string       `json:"slug"`
	Plan       string       `json:"plan"`           // one of Plans
	Tier       string       `json:"tier,omitempty"` // one of Tiers, for the tiered plan only
	Vertical   string       `json:"vertical"`       // one of Verticals
	Region     string       `json:"region"`
	Timezone   string       `json:"timezone"`
	Locale     string       `json:"locale"`
	Branding   Branding     `json:"branding"`
	Status     SignupStatus `json:"status"`
	// Reason is why it was rejected or has failed: an operator's words, which the applicant is told, or a fault code and the step it
	// came from, which is for operators only.
	Reason string `json:"reason,omitempty"`
	// Applicant is the sealed JSON of an Applicant.
	Applicant []byte `json:"applicant"`
	// ForgetAt is when the applicant of a signup that came to nothing is erased, if they can't be told before; zero for none.
	ForgetAt time.Time `json:"forget_at,omitzero"`

	RequestedAt time.Time `json:"requested_at"`
	DecidedAt   time.Time `json:"decided_at,omitzero"`
	DecidedBy   string    `json:"decided_by,omitempty"`
}

// Applicant is a signup's personal data, stored only sealed.
type Applicant struct {
	Company    string `json:"company"`
	AdminName  string `json:"admin_name"`
	AdminEmail string `json:"admin_email"`
	Phone      string `json:"phone,omitempty"`
}

// Branding is how a customer's instance looks.
type Branding struct {
	PrimaryColor   string `json:"primary_color,omitempty"` // #rrggbb
	SecondaryColor string `json:"secondary_color,omitempty"`
	// Where the customer's images are now, https only. Fleet fetches and checks them, and puts copies into the instance's Storage.
	LogoURL    string `json:"logo_url,omitempty"`
	FaviconURL string `json:"favicon_url,omitempty"`
}

// HasImages reports whether there are images to be fetched.
func (b Branding) HasImages() bool { return b.LogoURL != "" || b.FaviconURL != "" }

// Where an instance's look is in its Storage: a bucket that anybody may read, and in it a document that names the images.
const (
	BrandingBucket = "branding"
	BrandingTheme  = "theme.json"
)

// TieredPlan is the plan that has tiers.
const TieredPlan = "tiered"

// Plans lists the billing models.
func Plans() []string { return []string{"flat", "usage", TieredPlan} }

// Tiers lists the tiers of the tiered plan, smallest first.
func Tiers() []string { return []string{"starter", "growth", "scale"} }

// GeneralVertical is the template for whom no other fits.
const GeneralVertical = "general"

// Verticals lists the markets for which there is starting content.
func Verticals() []string {
	return []string{GeneralVertical, "dental", "hospitality", "retail", "fitness"}
}

// Regions lists the places where instances may be, by the codes of Supabase's region_selection in V1CreateProjectBody of its OpenAPI
// document. It calls the codes unstable, so that a contract test holds the list against the document.
func Regions() []string {
	return []string{"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1",
		"eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "eu-central-1", "eu-central-2",
		"ap-south-1", "ap-east-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2"}
}

// SlugClaim reserves a slug for an instance, or keeps it in quarantine.
type SlugClaim struct {
	Slug       string `json:"slug"`
	InstanceID string `json:"instance_id"`
	// Quarantined: the instance is gone, but something of it may still turn up at a vendor.
	Quarantined bool `json:"quarantined,omitempty"`
	// Until is when a claim lapses whose signup is not stored yet, whole seconds; zero for one that stays.
	Until time.Time `json:"until,omitzero"`
}
