import type { Model, Query } from "@nozbe/watermelondb";
import { useEffect, useState } from "react";

/** The records of a query, again whenever one comes, goes or changes in these columns; undefined at first. Keep both arguments the same between renders. */
export function useRecords<Record extends Model>(query: Query<Record>, columns: string[]): Record[] | undefined {
  const [records, setRecords] = useState<Record[]>();
  useEffect(() => {
    const subscription = query.observeWithColumns(columns).subscribe((found) => setRecords([...found]));
    return () => subscription.unsubscribe();
  }, [query, columns]);
  return records;
}
