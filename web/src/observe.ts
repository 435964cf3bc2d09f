import type { Model, Query } from "@nozbe/watermelondb";
import { useEffect, useState } from "react";

/**
 * Returns the records of a query, undefined before the first result. The component renders again when a record is
 * added or removed, or changes in one of the columns. Keep both arguments the same between renders.
 */
export function useRecords<Record extends Model>(query: Query<Record>, columns: string[]): Record[] | undefined {
  const [records, setRecords] = useState<Record[]>();
  useEffect(() => {
    const subscription = query.observeWithColumns(columns).subscribe((found) => setRecords([...found]));
    return () => subscription.unsubscribe();
  }, [query, columns]);
  return records;
}
