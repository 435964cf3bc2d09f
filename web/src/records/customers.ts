import type { Customer } from "../model";
import type { Kind } from "./kind";

export const customers: Kind<Customer> = {
  table: "customers",
  one: "customer",
  many: "Customers",
  columns: ["contact_name", "company_name", "notes"],
  fields: [
    { name: "contactName", label: "Name", type: "text" },
    { name: "companyName", label: "Company", type: "text" },
  ],
  text: "notes",
  textLabel: "Notes",
  placeholder: "Enter notes...",
  room: (id) => `customer-notes-${id}`,
  title: (customer) => customer.contactName || "No name",
  subtitle: (customer) => customer.companyName ?? "",
};
