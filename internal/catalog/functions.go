package catalog

// The functions, by the way of one signup.
var (
	Signup       = api("signup", "signup.Receive", "POST /signups", Keys, MintKeys, secret("webhook-secret"))
	SignupStatus = api("signup-status", "signup.Status", "GET /signups/{id}")
	Approve      = within(29, operators("approve", "approval.Approve", "POST /signups/{id}/approve", everyVendor(InvokeAdmit, Quotas)...))
	Reject       = operators("reject", "signup.Reject", "POST /signups/{id}/reject")
	Retry        = operators("retry", "operation.Retry", "POST /instances/{id}/retry", StartRuns)

	ShowDecision = api("show-decision", "decision.Show", "GET /decisions/{token}", Keys, secret("link-secret"))
	Decide       = within(29, api("decide", "approval.Decide", "POST /decisions/{token}", everyVendor(Keys, InvokeAdmit, Quotas, secret("link-secret"))...))

	ShowDownload = api("show-download", "download.Show", "GET /downloads/{token}", secret("link-secret"))
	GiveDownload = within(29, api("give-download", "download.Give", "POST /downloads/{token}", InvokeDeliver, ReadExports, secret("link-secret")))

	ListSignups        = within(29, operators("list-signups", "signup.List", "GET /signups", Keys))
	ListInstances      = within(29, operators("list-instances", "instance.List", "GET /instances"))
	ShowInstance       = operators("show-instance", "instance.Show", "GET /instances/{id}")
	InstanceLogs       = within(29, operators("instance-logs", "instance.Logs", "GET /instances/{id}/logs", ReadLogs))
	Cancel             = operators("cancel", "operation.Cancel", "POST /instances/{id}/cancel", StartRuns)
	SuspendInstance    = operators("suspend-instance", "suspension.Suspend", "POST /instances/{id}/suspend", StartRuns)
	ResumeInstance     = operators("resume-instance", "suspension.Resume", "POST /instances/{id}/resume", StartRuns)
	ExportInstance     = operators("export-instance", "export.Begin", "POST /instances/{id}/exports", StartRuns)
	ListExports        = operators("list-exports", "export.List", "GET /instances/{id}/exports")
	ShowExport         = operators("show-export", "export.Show", "GET /instances/{id}/exports/{export}", Exports)
	ImportInstance     = operators("import-instance", "intake.Begin", "POST /instances/{id}/import", StartRuns)
	PlanDecommission   = operators("plan-decommission", "decommission.Plan", "GET /instances/{id}/decommission")
	BeginDecommission  = operators("begin-decommission", "decommission.Begin", "POST /instances/{id}/decommission", StartRuns)
	CancelDecommission = operators("cancel-decommission", "decommission.Cancel", "POST /instances/{id}/decommission/cancel", StartRuns, Calendar)
	ApproveTermination = operators("approve-termination", "decommission.Approve", "POST /instances/{id}/decommission/approve")
	AcceptExport       = operators("accept-export", "decommission.AcceptExport", "POST /instances/{id}/decommission/accept-export")
	ShowCertificate    = operators("show-certificate", "termination.Show", "GET /instances/{id}/certificate", Archive)
	HoldInstance       = operators("hold-instance", "decommission.Hold", "POST /instances/{id}/hold")
	LiftHold           = operators("lift-hold", "decommission.Lift", "POST /instances/{id}/lift")
	Resend             = within(29, operators("resend", "notice.Resend", "POST /instances/{id}/resend", Keys, secret("supabase-token"), secret("sendgrid-key"), secret("link-secret")))
	ListIncidents      = operators("list-incidents", "incident.List", "GET /incidents")
	Acknowledge        = operators("acknowledge", "incident.Acknowledge", "POST /incidents/acknowledge")
	RemoveOrphan       = operators("remove-orphan", "incident.RemoveOrphan", "POST /instances/{id}/remove-orphan")
	Adopt              = within(29, operators("adopt", "recheck.Adopt", "POST /instances/{id}/adopt", everyVendor()...))
	Freeze             = operators("freeze", "freeze.Freeze", "POST /freeze")
	Thaw               = operators("thaw", "freeze.Thaw", "POST /thaw", InvokeAdmit)
	Doctor             = within(29, operators("doctor", "doctor.Examine", "GET /doctor", everyVendor(Inspect)...))

	ShowSuspended = host("show-suspended", "suspension.Page")

	Admit        = schedule("admit", "operation.Admit", 1, StartRuns)
	Reconcile    = onExecutionEnd(schedule("reconcile", "operation.Reconcile", 15, StartRuns))
	Page         = schedule("page", "incident.Page", 1, Publish)
	Recheck      = schedule("recheck", "recheck.LookAgain", 5, everyVendor()...)
	Due          = schedule("due", "decommission.Due", 15, StartRuns)
	WatchVendors = schedule("watch-vendors", "vendors.Watch", 1, everyVendor(StartRuns, InvokeAdmit)...)
	Compare      = long(schedule("compare", "sweep.Compare", 60, everyVendor()...))
	Overdue      = schedule("overdue", "overdue.Tell", 15)
	Checkup      = schedule("checkup", "doctor.Daily", 24*60, everyVendor(Inspect)...)

	AutoApprove   = schedule("auto-approve", "approval.Auto", 1, everyVendor(InvokeAdmit, Quotas)...)
	Deliver       = schedule("deliver", "notice.Deliver", 1, Keys, secret("sendgrid-key"), secret("link-secret"))
	ExpireSignups = schedule("expire-signups", "signup.Expire", 60)

	ReserveInstance    = step("reserve-instance", "instance.Reserve", Keys)
	CreateProject      = step("create-project", "project.Create", Keys, secret("supabase-token"))
	AwaitProject       = step("await-project", "project.Await", Keys, secret("supabase-token"))
	MigrateDatabase    = step("migrate-database", "database.Migrate", Keys, Databases, secret("supabase-token"))
	CreateFrontend     = step("create-frontend", "frontend.Create", secret("vercel-token"))
	ConfigureDNS       = step("configure-dns", "dns.Configure", secret("cloudflare-token"))
	CreateSMSAccount   = step("create-sms-account", "sms.Create", Keys, secret("twilio-token"))
	CreateEmailAccount = step("create-email-account", "email.Create", Keys, secret("sendgrid-key"))
	PublishMailDNS     = step("publish-mail-dns", "dns.PublishMail", secret("cloudflare-token"))
	AwaitMailDomain    = step("await-mail-domain", "email.AwaitDomain", secret("sendgrid-key"))
	ConfigureInstance  = step("configure-instance", "database.Configure", Keys, Databases, secret("supabase-token"))
	ConfigureBranding  = step("configure-branding", "branding.Configure", Keys, Databases)
	CreateAdmin        = step("create-admin", "admin.Create", Keys, Databases, secret("supabase-token"))
	DeployFrontend     = step("deploy-frontend", "frontend.Deploy", Keys, ReadRelease, secret("vercel-token"))
	AwaitFrontend      = step("await-frontend", "frontend.Await", secret("vercel-token"))
	AwaitCertificate   = step("await-certificate", "health.AwaitCertificate")
	ProxyDNS           = step("proxy-dns", "dns.Proxy", secret("cloudflare-token"))
	ProtectHost        = step("protect-host", "dns.Protect", secret("cloudflare-token"))
	VerifyHealth       = step("verify-health", "health.Verify")
	ActivateInstance   = step("activate-instance", "instance.Activate")
	NotifyCustomer     = step("notify-customer", "notice.Customer", Keys, History, secret("supabase-token"), secret("sendgrid-key"))

	PointHost          = step("point-host", "dns.Point", secret("cloudflare-token"))
	PauseFrontend      = step("pause-frontend", "frontend.Pause", secret("vercel-token"))
	SuspendSMS         = step("suspend-sms", "sms.Suspend", secret("twilio-token"))
	DisableEmail       = step("disable-email", "email.Disable", secret("sendgrid-key"))
	RefuseSignIn       = step("refuse-sign-in", "project.RefuseSignIn", secret("supabase-token"))
	MarkSuspended      = step("mark-suspended", "suspension.MarkSuspended")
	AnnounceSuspension = step("announce-suspension", "notice.Suspended", Keys, secret("sendgrid-key"))

	UnpauseFrontend    = step("unpause-frontend", "frontend.Unpause", secret("vercel-token"))
	RestoreHost        = step("restore-host", "dns.Restore", secret("cloudflare-token"))
	ReactivateSMS      = step("reactivate-sms", "sms.Reactivate", secret("twilio-token"))
	EnableEmail        = step("enable-email", "email.Enable", secret("sendgrid-key"))
	AllowSignIn        = step("allow-sign-in", "project.AllowSignIn", secret("supabase-token"))
	MarkResumed        = step("mark-resumed", "suspension.MarkResumed")
	AnnounceResumption = step("announce-resumption", "notice.Resumed", Keys, secret("sendgrid-key"))
	BeginUndo          = step("begin-undo", "operation.BeginUndo", StartRuns)

	ExportDatabase      = long(step("export-database", "export.Database", Keys, Databases, Exports, secret("supabase-token")))
	ExportMedia         = long(step("export-media", "export.Media", Keys, Exports, secret("supabase-token")))
	ExportConfiguration = step("export-configuration", "export.Configuration", Exports, History)
	SealExport          = step("seal-export", "export.Seal", Exports)
	VerifyExport        = long(step("verify-export", "export.Verify", Exports))

	ImportDatabase = long(step("import-database", "intake.Database", Keys, Databases, ReadExports, secret("supabase-token")))
	ImportMedia    = long(step("import-media", "intake.Media", Keys, ReadExports, secret("supabase-token")))
	SettleImport   = step("settle-import", "intake.Settle")

	GiveNotice   = step("give-notice", "decommission.GiveNotice")
	BeginGrace   = step("begin-grace", "decommission.BeginGrace")
	ScheduleEnds = step("schedule-ends", "decommission.ScheduleEnds", Calendar)

	BeginTeardown      = step("begin-teardown", "operation.BeginTeardown", StartRuns)
	RemoveDNS          = step("remove-dns", "dns.Remove", secret("cloudflare-token"))
	RemoveFrontend     = step("remove-frontend", "frontend.Remove", secret("vercel-token"))
	RemoveEmailAccount = step("remove-email-account", "email.Remove", secret("sendgrid-key"))
	RemoveSMSAccount   = step("remove-sms-account", "sms.Remove", secret("twilio-token"))
	RemoveProject      = step("remove-project", "project.Remove", secret("supabase-token"))
	ConfirmTermination = step("confirm-termination", "termination.Confirm", Exports)
	MarkTerminated     = step("mark-terminated", "termination.Mark")
	ArchiveAudit       = step("archive-audit", "termination.ArchiveAudit", Archive)
	IssueCertificate   = step("issue-certificate", "termination.IssueCertificate", Archive, History)
	DestroyKey         = step("destroy-key", "termination.DestroyKey", DestroyKeys, Archive)
	EndOperation       = step("end-operation", "operation.End", InvokeAdmit)
)

// CountTerminations are the names of the functions that count a day's terminations.
func CountTerminations() []string {
	return []string{Due.Name, ConfirmTermination.Name, MarkTerminated.Name, RemoveOrphan.Name}
}

// CheckUnpaid are the names of the functions that have to know whether unpaid bills are in the way of a decommission.
func CheckUnpaid() []string {
	return []string{PlanDecommission.Name, BeginDecommission.Name}
}

// MakeLinks are the names of the functions that make links to Fleet's own pages, and so have to know where those are.
func MakeLinks() []string {
	return []string{Signup.Name, Deliver.Name, Resend.Name}
}

// Functions lists every function.
func Functions() []Function {
	return []Function{
		Signup, SignupStatus, Approve, Reject, Retry, ShowDecision, Decide, ShowDownload, GiveDownload, ListSignups,
		ListInstances, ShowInstance, InstanceLogs, Cancel, SuspendInstance, ResumeInstance, ExportInstance, ListExports, ShowExport, ImportInstance, Resend, ListIncidents, Acknowledge, RemoveOrphan, Adopt, Freeze, Thaw, Doctor,
		PlanDecommission, BeginDecommission, CancelDecommission, ApproveTermination, AcceptExport, ShowCertificate, HoldInstance, LiftHold,
		ShowSuspended,
		Admit, Reconcile, Page, Recheck, Due, WatchVendors, Compare, Overdue, Checkup, AutoApprove, Deliver, ExpireSignups,
		ReserveInstance, CreateProject, AwaitProject, MigrateDatabase, CreateFrontend, ConfigureDNS, CreateSMSAccount,
		CreateEmailAccount, PublishMailDNS, AwaitMailDomain, ConfigureInstance, ConfigureBranding, CreateAdmin, DeployFrontend, AwaitFrontend,
		AwaitCertificate, ProxyDNS, ProtectHost, VerifyHealth, ActivateInstance, NotifyCustomer,
		PointHost, PauseFrontend, SuspendSMS, DisableEmail, RefuseSignIn, MarkSuspended, AnnounceSuspension,
		UnpauseFrontend, RestoreHost, ReactivateSMS, EnableEmail, AllowSignIn, MarkResumed, AnnounceResumption, BeginUndo,
		ExportDatabase, ExportMedia, ExportConfiguration, SealExport, VerifyExport,
		ImportDatabase, ImportMedia, SettleImport,
		GiveNotice, BeginGrace, ScheduleEnds,
		BeginTeardown, RemoveDNS, RemoveFrontend, RemoveEmailAccount, RemoveSMSAccount, RemoveProject, EndOperation,
		ConfirmTermination, MarkTerminated, ArchiveAudit, IssueCertificate, DestroyKey,
	}
}

func step(name, handler string, grants ...Grant) Function {
	return Function{Name: name, Handler: handler, Trigger: Workflow, Timeout: 60, Memory: 256, Grants: append([]Grant{Table}, grants...)}
}

// long gives a step nearly as long as a Lambda may run, in the place of a minute: what is read in one run is of one moment.
func long(f Function) Function {
	f.Timeout = 14 * 60
	return f
}

func api(name, handler, route string, grants ...Grant) Function {
	return Function{Name: name, Handler: handler, Trigger: HTTP, Timeout: 15, Memory: 256, Route: route, Access: Public, Grants: append([]Grant{Table}, grants...)}
}

// host is granted nothing: it answers whoever asks for whatever.
func host(name, handler string) Function {
	return Function{Name: name, Handler: handler, Trigger: Host, Timeout: 10, Memory: 256, Access: Public}
}

func operators(name, handler, route string, grants ...Grant) Function {
	f := api(name, handler, route, grants...)
	f.Access = Operators
	return f
}

// within gives a function of the API another time limit, in seconds. API Gateway waits for 30.
func within(seconds int, f Function) Function {
	f.Timeout = seconds
	return f
}

// everyVendor adds every vendor's credential to grants.
func everyVendor(grants ...Grant) []Grant {
	return append(grants, secret("supabase-token"), secret("vercel-token"), secret("cloudflare-token"), secret("twilio-token"), secret("sendgrid-key"))
}

func schedule(name, handler string, every int, grants ...Grant) Function {
	return Function{Name: name, Handler: handler, Trigger: Schedule, Timeout: 60, Memory: 256, Every: every, Grants: append([]Grant{Table}, grants...)}
}

func onExecutionEnd(f Function) Function {
	f.OnExecutionEnd = true
	return f
}
