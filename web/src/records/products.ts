import type { Product } from "../model";
import type { Kind } from "./kind";

const price = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export const products: Kind<Product> = {
  table: "products",
  one: "product",
  many: "Products",
  columns: ["title", "description", "price", "discounts"],
  fields: [
    { name: "title", label: "Title", type: "text" },
    { name: "price", label: "Price", type: "number" },
    { name: "discounts", label: "Discount", type: "number" },
    { name: "image", label: "Image (address)", type: "url" },
  ],
  text: "description",
  textLabel: "Description",
  placeholder: "Describe it...",
  room: (id) => `product-description-${id}`,
  title: (product) => product.title || "No title",
  subtitle: (product) => (product.price === null ? "" : price.format(product.price - (product.discounts ?? 0))),
};
