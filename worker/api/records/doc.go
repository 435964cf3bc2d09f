// Package records serves the synchronized tables: WatermelonDB's pull and push as
// tRPC procedures, the pull without tRPC's envelope for turbo mode, the checksum, one row, the
// notifications, and the operator's restore and purge.
package records
