package provider

// PublicFile is where anybody reads a file of a public bucket of a Supabase project's Storage.
func (e Endpoints) PublicFile(ref, bucket, path string) string {
	return ForProject(e.SupabaseProject, ref) + "/storage/v1/object/public/" + bucket + "/" + path
}
