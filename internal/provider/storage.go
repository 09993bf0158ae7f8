package provider

// PublicFile is where anybody reads a file of a public bucket of a Supabase project's Storage.
func (e Endpoints) PublicFile(ref, bucket, path string) string {
	return e.PublicFiles(ref) + bucket + "/" + path
}

// PublicFiles is what PublicFile's addresses of all files of a project begin with.
func (e Endpoints) PublicFiles(ref string) string {
	return ForProject(e.SupabaseProject, ref) + "/storage/v1/object/public/"
}
